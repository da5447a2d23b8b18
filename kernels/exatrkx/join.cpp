#include "kernels/exatrkx/join.h"

#include "kernels/core/parallel.h"
#include "kernels/exatrkx/event_of.h"
#include "kernels/exatrkx/helix_fit.h"
#include "kernels/exatrkx/track_rows.h"
#include "kernels/exatrkx/walk.h"

#include <cmath>

// Pieces are to pairs of pieces what hits are to edges: the walk that makes chains of hits makes chains of pieces.
namespace helix::exatrkx {
namespace {

/// Where the second piece may begin, seen from the end of the first: a track bends by no more on its way to the next
/// layers. Wide: the fit decides.
constexpr float kLeastStep = -5.f, kMostPhi = 0.5f, kMostEta = 0.3f;  // mm, rad

struct TrackEnds {
  Span<float> first_distance, first_phi, first_eta;  // [tracks] of the innermost hit, around the beam spot
  Span<float> last_distance, last_phi, last_eta;     // and of the outermost
};

struct FindEnds {
  TrackRows rows;
  HitPlaces at;
  TrackEnds ends;

  HELIX_HD void write(Index k, float& distance, float& phi, float& eta) const {
    const auto x = static_cast<float>(at.x[k]), y = static_cast<float>(at.y[k]), z = static_cast<float>(at.z[k]);
    const float r = std::sqrt(x * x + y * y);
    distance = std::sqrt(r * r + z * z);
    phi = std::atan2(y, x);
    eta = std::asinh(z / (r > 1e-3f ? r : 1e-3f));
  }
  HELIX_HD void operator()(Index t) const {
    write(rows.hits.begin(t), ends.first_distance[t], ends.first_phi[t], ends.first_eta[t]);
    write(rows.hits.end(t) - 1, ends.last_distance[t], ends.last_phi[t], ends.last_eta[t]);
  }
};

/// Pieces that may continue a piece.
struct ContinueWalk {
  Offsets events;  // tracks
  TrackEnds ends;

  template <class Emit>
  HELIX_HD void operator()(Index t, const Emit& emit) const {
    const Index event = event_of(events, t);
    const float from = ends.last_distance[t] + kLeastStep, phi = ends.last_phi[t], eta = ends.last_eta[t];
    constexpr auto kPi = static_cast<float>(M_PI);
    for (Index next = events.begin(event); next < events.end(event); ++next) {
      const float turn = std::fabs(ends.first_phi[next] - phi);
      if (next != t && ends.first_distance[next] > from && std::fabs(ends.first_eta[next] - eta) < kMostEta &&
          (turn < kMostPhi || turn > 2 * kPi - kMostPhi))
        emit(next);
    }
  }
};

struct CountPair {
  TrackRows rows;
  Ragged next;  // [tracks]
  Span<Index> first, n_hits;

  HELIX_HD void operator()(Index t) const {
    for (Index k = next.rows.begin(t); k < next.rows.end(t); ++k) {
      first[k] = t;
      n_hits[k] = rows.hits.size(t) + rows.hits.size(next.values[k]);
    }
  }
};

/// One helix through the hits of both pieces; its score falls with their distances from it.
struct FitPair {
  TrackRows rows;
  HitPlaces at;
  Span<const Index> first, second;
  Offsets places;  // [pairs + 1] of hits
  HitPlaces copy;
  Span<double> arc;
  JoinCuts cuts;
  Span<float> score;

  HELIX_HD Index append(Index track, Index to) const {
    for (Index k = rows.hits.begin(track); k < rows.hits.end(track); ++k, ++to) {
      copy.x[to] = at.x[k];
      copy.y[to] = at.y[k];
      copy.z[to] = at.z[k];
    }
    return to;
  }
  HELIX_HD void operator()(Index pair) const {
    append(second[pair], append(first[pair], places.begin(pair)));
    const auto begin = static_cast<std::size_t>(places.begin(pair)), n = static_cast<std::size_t>(places.size(pair));
    const HelixFit fit = fit_helix(
        {copy.x.subspan(begin, n), copy.y.subspan(begin, n), copy.z.subspan(begin, n), arc.subspan(begin, n)}, 0);
    const double xy = fit.rms_xy / double{cuts.xy}, rz = fit.rms_rz / double{cuts.rz};
    score[pair] = fit.ndof < 0 || xy > 1 || rz > 1 ? -INFINITY : -static_cast<float>(xy * xy + rz * rz);
  }
};

struct Relabel {
  Offsets events;  // tracks
  HitBatch batch;
  Span<const Index> piece, joined;
  Span<Index> label;
  HELIX_HD void operator()(Index hit) const {
    const Index mine = piece[hit];
    label[hit] = mine < 0 ? -1 : joined[events.begin(event_of(batch.events, hit)) + mine];
  }
};

TrackEnds find_ends(Exec& exec, const TrackRows& rows, const HitPlaces& at) {
  const auto column = [&] { return exec.scratch<float>(rows.n()); };
  const TrackEnds ends{column(), column(), column(), column(), column(), column()};
  for_each(exec, rows.n(), FindEnds{rows, at, ends});
  return ends;
}

}  // namespace

Components join_tracks(Exec& exec, const HitBatch& batch, const Components& pieces, JoinCuts cuts) {
  exec.begin_stage("join");
  const TrackRows rows = list_hits(exec, batch, pieces);
  const HitPlaces at = place_hits(exec, batch, rows.hit);
  const Ragged next = gather_rows(exec, rows.n(), ContinueWalk{rows.events, find_ends(exec, rows, at)});
  const auto n = static_cast<Index>(next.values.size());
  auto first = exec.scratch<Index>(n), n_hits = exec.scratch<Index>(n);
  for_each(exec, rows.n(), CountPair{rows, next, first, n_hits});
  const Offsets places = exclusive_scan(exec, n_hits);
  const Index n_places = n == 0 ? 0 : exec.sync_read(places.total());
  const auto column = [&] { return exec.scratch<double>(n_places); };
  const FitPair fit{
      rows, at, first, next.values, places, {column(), column(), column()}, column(), cuts, exec.scratch<float>(n)};
  for_each(exec, n, fit);
  const Components joined =
      walk_tracks(exec, rows.events, rows.n(), {first, next.values}, fit.score, -INFINITY, -INFINITY, 1);
  auto label = exec.scratch<Index>(batch.n_hits());
  for_each(exec, batch.n_hits(), Relabel{rows.events, batch, pieces.label, joined.label, label});
  return {label, joined.n_components};
}

}  // namespace helix::exatrkx
