#include "kernels/patatrack/pipeline.h"

#include "kernels/core/parallel.h"
#include "kernels/patatrack/doublets.h"
#include "kernels/patatrack/overlaps.h"

namespace helix::patatrack {
namespace {

struct CountHits {
  TrackHits tracks;
  Span<const Index> tuple;
  Span<Index> count;
  HELIX_HD void operator()(Index k) const { count[k] = tracks.rows.size(tuple[k]); }
};

struct MakeTracks {
  HitBatch batch;
  SortedHits hits;
  TrackHits tracks;
  Span<const TrackFit> fit;
  Selection selection;
  float tight_score;
  Offsets hit_rows;
  Span<Index> hit, vertex;
  Span<float> phi, dxy, q_over_pt, cot_theta, dz, chi2, covariance;
  Span<std::int32_t> ndof;
  Span<std::uint8_t> quality;

  HELIX_HD void operator()(Index k) const {
    const Index t = selection.tuple[k], begin = tracks.rows.begin(t), n = tracks.rows.size(t);
    const Index event = hits.event[tracks.hit[begin]];
    const TrackFit& f = fit[t];
    for (Index h = 0; h < n; ++h)
      hit[hit_rows.begin(k) + h] = hits.original[tracks.hit[begin + h]] - batch.events.begin(event);
    phi[k] = f.phi;
    dxy[k] = f.dxy;
    q_over_pt[k] = f.q_over_pt;
    cot_theta[k] = f.cot_theta;
    dz[k] = f.dz;
    chi2[k] = f.chi2_circle + f.chi2_line;
    ndof[k] = 2 * n - 5;
    float* c = covariance.begin() + static_cast<std::size_t>(k) * kCovarianceSize;
    for (int i = 0; i < kCovarianceSize; ++i) c[i] = 0.f;
    c[covariance_row(0, 0)] = f.circle[0];
    c[covariance_row(0, 1)] = f.circle[1];
    c[covariance_row(0, 2)] = f.circle[2];
    c[covariance_row(1, 1)] = f.circle[3];
    c[covariance_row(1, 2)] = f.circle[4];
    c[covariance_row(2, 2)] = f.circle[5];
    c[covariance_row(3, 3)] = f.line[0];
    c[covariance_row(3, 4)] = f.line[1];
    c[covariance_row(4, 4)] = f.line[2];
    quality[k] = static_cast<std::uint8_t>(selection.score[k] >= tight_score ? Quality::tight : Quality::loose);
    vertex[k] = selection.vertex[k] < 0 ? -1 : selection.vertex[k] - selection.vertices.events.begin(event);
  }
};

/// Rows of everything are in the order of events: the part of each event lies between the first hits of two events.
struct CountEvent {
  HitBatch batch;
  SortedHits hits;
  Doublets doublets;
  Connections connections;
  Ntuplets tuples;
  Index n_layers;
  Selection selection;
  Span<EventCounters> counters;

  template <class EventOfRow>
  static HELIX_HD Index first_of(Index event, Index n, const EventOfRow& event_of) {
    Index low = 0, high = n;
    while (low < high) {
      const Index middle = (low + high) / 2;
      if (event_of(middle) < event)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  HELIX_HD void operator()(Index e) const {
    const auto doublet_at = [&](Index event) { return doublets.rows.begin(hits.segments.begin(event * n_layers)); };
    const auto cell_at = [&](Index event) { return connections.rows.begin(doublet_at(event)); };
    const auto event_of = [&](Index t) { return hits.event[tuples.hit[tuples.rows.begin(t)]]; };
    EventCounters c;
    c.hits = batch.events.size(e);
    c.doublets = doublet_at(e + 1) - doublet_at(e);
    c.cells = cell_at(e + 1) - cell_at(e);
    c.tuples = first_of(e + 1, tuples.n(), event_of) - first_of(e, tuples.n(), event_of);
    c.tracks = selection.events.size(e);
    c.vertices = selection.vertices.events.size(e);
    counters[e] = c;
  }
};

}  // namespace

PipelineOutput run_pipeline(Exec& exec, const HitBatch& batch, const DetectorView& detector, const Config& config) {
  const SortedHits hits = prepare_hits(exec, batch, detector, config.doublets.cluster_sizes);
  const Overlaps overlaps = find_overlaps(exec, hits, detector, config.doublets);
  const Doublets doublets = find_doublets(exec, hits, detector, config);
  const Connections connections = connect_doublets(exec, hits, overlaps, doublets, detector, config);
  const Ntuplets tuples = find_ntuplets(exec, doublets, connections, config.ntuplets);
  const TrackHits tracks = attach_overlaps(exec, hits, overlaps, tuples, detector, config.ntuplets);
  const Span<const TrackFit> fit = fit_broken_lines(exec, batch, hits, detector, tracks);
  const Span<TrackFeatures> features = describe_tracks(exec, batch, hits, tuples, tracks, fit, detector, config.select);
  const Selection selection = select_tracks(exec, batch.n_events(), {hits, tuples, tracks, fit, features},
                                            detector.scores, config.select, config.vertices);
  exec.begin_stage("output");
  const auto n = static_cast<Index>(selection.tuple.size());
  auto count = exec.scratch<Index>(n);
  for_each(exec, n, CountHits{tracks, selection.tuple, count});
  const Offsets hit_rows = exclusive_scan(exec, count);
  const MakeTracks out{batch,
                       hits,
                       tracks,
                       fit,
                       selection,
                       config.select.tight_score,
                       hit_rows,
                       exec.scratch<Index>(exec.sync_read(hit_rows.total())),
                       exec.scratch<Index>(n),
                       exec.scratch<float>(n),
                       exec.scratch<float>(n),
                       exec.scratch<float>(n),
                       exec.scratch<float>(n),
                       exec.scratch<float>(n),
                       exec.scratch<float>(n),
                       exec.scratch<float>(n * kCovarianceSize),
                       exec.scratch<std::int32_t>(n),
                       exec.scratch<std::uint8_t>(n)};
  for_each(exec, n, out);
  auto counters = exec.scratch<EventCounters>(batch.n_events());
  const auto n_layers = static_cast<Index>(detector.layers.size());
  for_each(exec, batch.n_events(),
           CountEvent{batch, hits, doublets, connections, tuples, n_layers, selection, counters});
  return {selection.events, hit_rows,      out.hit,     out.phi,    out.dxy,
          out.q_over_pt,    out.cot_theta, out.dz,      out.chi2,   selection.score,
          out.covariance,   out.ndof,      out.quality, out.vertex, selection.vertices,
          counters};
}

}  // namespace helix::patatrack
