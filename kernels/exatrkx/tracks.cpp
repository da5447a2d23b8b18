#include "kernels/exatrkx/tracks.h"

#include "kernels/core/parallel.h"
#include "kernels/exatrkx/event_of.h"
#include "kernels/exatrkx/group.h"
#include "kernels/exatrkx/helix_fit.h"
#include "kernels/exatrkx/track_rows.h"

namespace helix::exatrkx {
namespace {

/// Sum of the logits of a hit's edges within its track, in their order.
struct SumEdges {
  Ragged leaving;  // [hits] edges whose source it is
  Span<const Index> label, target;
  Span<const float> logit;
  Span<float> sum;
  Span<Index> count;

  HELIX_HD void operator()(Index i) const {
    float total = 0;
    Index n = 0;
    for (Index k = leaving.rows.begin(i); k < leaving.rows.end(i) && label[i] >= 0; ++k) {
      const Index edge = leaving.values[k];
      if (label[target[edge]] != label[i]) continue;
      total += logit[edge];
      ++n;
    }
    sum[i] = total;
    count[i] = n;
  }
};

struct LocalHit {
  HitBatch batch;
  Span<const Index> hit;
  Span<Index> local;
  HELIX_HD void operator()(Index k) const { local[k] = hit[k] - batch.events.begin(event_of(batch.events, hit[k])); }
};

struct FitTrack {
  TrackRows rows;
  Span<const double> x, y, z;
  Span<double> arc;
  float field;
  Span<float> phi, dxy, q_over_pt, cot_theta, dz, chi2, covariance;
  Span<std::int32_t> ndof;
  Span<std::uint8_t> quality;
  Span<Index> vertex;

  HELIX_HD void operator()(Index t) const {
    const auto at = static_cast<std::size_t>(rows.hits.begin(t)), n = static_cast<std::size_t>(rows.hits.size(t));
    const HelixFit fit = fit_helix({x.subspan(at, n), y.subspan(at, n), z.subspan(at, n), arc.subspan(at, n)}, field);
    phi[t] = static_cast<float>(fit.phi);
    dxy[t] = static_cast<float>(fit.dxy);
    q_over_pt[t] = static_cast<float>(fit.q_over_pt);
    cot_theta[t] = static_cast<float>(fit.cot_theta);
    dz[t] = static_cast<float>(fit.dz);
    chi2[t] = static_cast<float>(fit.chi2);
    float* c = covariance.begin() + static_cast<std::size_t>(t) * kCovarianceSize;
    for (int i = 0; i < kCovarianceSize; ++i) c[i] = static_cast<float>(fit.covariance[i]);
    ndof[t] = fit.ndof > 0 ? fit.ndof : 0;
    quality[t] = static_cast<std::uint8_t>(fit.ndof < 0 ? Quality::loose : Quality::tight);
    vertex[t] = -1;
  }
};

struct ScoreTrack {
  TrackRows rows;
  Span<const float> sum;
  Span<const Index> count;
  Span<float> score;

  HELIX_HD void operator()(Index t) const {
    double total = 0, n = 0;
    for (Index k = rows.hits.begin(t); k < rows.hits.end(t); ++k) {
      total += sum[rows.hit[k]];
      n += count[rows.hit[k]];
    }
    score[t] = static_cast<float>(n > 0 ? total / n : 0.);
  }
};

Span<const float> score_tracks(Exec& exec, const TrackRows& rows, Index n_tracks, Span<const Index> label,
                               const EdgeList& edges, Span<const float> logit) {
  const auto n_hits = static_cast<Index>(label.size());
  const Ragged leaving = group_by(exec, edges.source, n_hits);
  auto sum = exec.scratch<float>(n_hits), score = exec.scratch<float>(n_tracks);
  auto count = exec.scratch<Index>(n_hits);
  for_each(exec, n_hits, SumEdges{leaving, label, edges.target, logit, sum, count});
  for_each(exec, n_tracks, ScoreTrack{rows, sum, count, score});
  return score;
}

}  // namespace

PipelineOutput make_tracks(Exec& exec, const HitBatch& batch, const Components& components, const EdgeList& edges,
                           Span<const float> logit, float field) {
  exec.begin_stage("fit");
  const TrackRows rows = list_hits(exec, batch, components);
  const Index n = rows.n(), n_hits = static_cast<Index>(rows.hit.size());
  const HitPlaces placed = place_hits(exec, batch, rows.hit);
  const LocalHit local{batch, rows.hit, exec.scratch<Index>(n_hits)};
  for_each(exec, n_hits, local);
  const auto column = [&] { return exec.scratch<float>(n); };
  const FitTrack fit{rows,
                     placed.x,
                     placed.y,
                     placed.z,
                     exec.scratch<double>(n_hits),
                     field,
                     column(),
                     column(),
                     column(),
                     column(),
                     column(),
                     column(),
                     exec.scratch<float>(n * kCovarianceSize),
                     exec.scratch<std::int32_t>(n),
                     exec.scratch<std::uint8_t>(n),
                     exec.scratch<Index>(n)};
  for_each(exec, n, fit);
  const Span<const float> score = score_tracks(exec, rows, n, components.label, edges, logit);
  auto no_vertices = exec.scratch<Index>(batch.n_events() + 1);
  fill(exec, no_vertices, Index{0});
  return {rows.events,
          rows.hits,
          local.local,
          fit.phi,
          fit.dxy,
          fit.q_over_pt,
          fit.cot_theta,
          fit.dz,
          fit.chi2,
          score,
          fit.covariance,
          fit.ndof,
          fit.quality,
          fit.vertex,
          {{no_vertices}, {}, {}, {}, {}, {}},
          {}};
}

}  // namespace helix::exatrkx
