#include "kernels/patatrack/feature_table.h"

#include "kernels/core/arena.h"
#include "kernels/patatrack/doublets.h"
#include "kernels/patatrack/overlaps.h"
#include "kernels/patatrack/select.h"

#include <algorithm>

namespace helix::patatrack {
namespace {

constexpr std::size_t kBudget = std::size_t{8} << 30;
constexpr float kUnknown = -1e30f;  // marks features that nobody filled in

}  // namespace

FeatureTable make_feature_table(const HitBatch& batch, const Detector& detector, const Config& config) {
  Arena arena(host_memory(), kBudget);
  CpuExec exec(arena, 1);
  const DetectorView view = detector.view();
  const SortedHits hits = prepare_hits(exec, batch, view, config.doublets.cluster_sizes);
  const Overlaps overlaps = find_overlaps(exec, hits, view, config.doublets);
  const Doublets doublets = find_doublets(exec, hits, view, config);
  const Connections connections = connect_doublets(exec, hits, overlaps, doublets, view, config);
  const Ntuplets tuples = find_ntuplets(exec, doublets, connections, config.ntuplets);
  const TrackHits tracks = attach_overlaps(exec, hits, overlaps, tuples, view, config.ntuplets);
  const auto fit = fit_broken_lines(exec, batch, hits, view, tracks);
  const auto features = describe_tracks(exec, batch, hits, tuples, tracks, fit, view, config.select);
  for (TrackFeatures& row : features) row.value[kVertex] = kUnknown;
  (void)select_tracks(exec, 1, {hits, tuples, tracks, fit, features}, view.scores, config.select, config.vertices);
  FeatureTable out;
  out.hit_offsets.push_back(0);
  for (Index t = 0; t < tuples.n(); ++t) {
    out.layers.push_back(tuples.rows.size(t));
    out.candidate.push_back(features[static_cast<std::size_t>(t)].value[kVertex] != kUnknown ? 1 : 0);
    for (Index k = tracks.rows.begin(t); k < tracks.rows.end(t); ++k)
      out.hit.push_back(hits.original[static_cast<std::size_t>(tracks.hit[static_cast<std::size_t>(k)])]);
    out.hit_offsets.push_back(static_cast<Index>(out.hit.size()));
    auto& row = out.features.emplace_back();
    std::copy_n(features[static_cast<std::size_t>(t)].value, kFeatures, row.begin());
  }
  return out;
}

}  // namespace helix::patatrack
