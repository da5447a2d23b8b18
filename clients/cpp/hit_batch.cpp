#include "clients/cpp/hit_batch.h"

#include <limits>
#include <string>

namespace helix {
namespace {

constexpr std::size_t kMostRows = std::numeric_limits<Index>::max() - 1;

Status make_offsets(const HitColumns& hits, std::vector<Index>& events) {
  const std::size_t n_hits = hits.x.size();
  if (n_hits > kMostRows)
    return resource_exhausted("request has " + std::to_string(n_hits) + " hits, limit " + std::to_string(kMostRows));
  if (hits.event_offsets.size() == 1 || (hits.event_offsets.empty() && n_hits == 0))
    return invalid_argument("request has no events");
  if (hits.event_offsets.empty()) {
    events = {0, static_cast<Index>(n_hits)};
    return {};
  }
  for (std::size_t i = 0; i < hits.event_offsets.size(); ++i) {
    if (hits.event_offsets[i] > n_hits)  // before it becomes signed
      return invalid_argument("hits.event_offsets[" + std::to_string(i) + "] is " +
                              std::to_string(hits.event_offsets[i]) + ", there are " + std::to_string(n_hits) +
                              " hits");
    events.push_back(static_cast<Index>(hits.event_offsets[i]));
  }
  return {};
}

Status find_rows(const HitColumns& hits, const Detector& detector, std::vector<std::uint32_t>& rows) {
  const std::size_t n = hits.x.size();
  if (hits.volume_id.size() != n || hits.layer_id.size() != n || hits.module_id.size() != n)
    return invalid_argument("hits have no modules: module_index, or volume_id, layer_id and module_id, is needed");
  rows.resize(n);
  const std::size_t i = detector.find_modules(hits.volume_id, hits.layer_id, hits.module_id, rows);
  if (i == n) return {};
  return invalid_argument("hits.volume_id, layer_id, module_id [" + std::to_string(i) + "] are " +
                          std::to_string(hits.volume_id[i]) + ", " + std::to_string(hits.layer_id[i]) + ", " +
                          std::to_string(hits.module_id[i]) + ": the geometry " + detector.name +
                          " has no such module");
}

Status spread_beam_spot(Span<const BeamSpot> given, const BeamSpot& usual, std::size_t n_events,
                        std::vector<BeamSpot>& spots) {
  if (given.size() > 1 && given.size() != n_events)
    return invalid_argument("hits.beam_spot has " + std::to_string(given.size()) +
                            " values: none, 1 or one an event, " + std::to_string(n_events) + ", can be");
  for (std::size_t event = 0; event < n_events; ++event)
    spots.push_back(given.empty() ? usual : given[given.size() == 1 ? 0 : event]);
  return {};
}

}  // namespace

Result<HitBatch> make_batch(const HitColumns& hits, const Detector& detector, const BeamSpot& usual_beam_spot,
                            const HitLimits& limits, HitBatchColumns& made) {
  made = {};
  if (Status status = make_offsets(hits, made.events); !status.ok()) return status;
  const bool by_position = detector.modules.empty();  // the pipeline looks at nothing else
  if (hits.module_index.empty() && !by_position)
    if (Status status = find_rows(hits, detector, made.module); !status.ok()) return status;
  const std::size_t n_events = made.events.size() - 1;
  if (Status status = spread_beam_spot(hits.beam_spot, usual_beam_spot, n_events, made.beam_spot); !status.ok())
    return status;
  const Span<const std::uint32_t> given = by_position ? Span<const std::uint32_t>() : hits.module_index;
  const HitBatch batch{.x = hits.x,
                       .y = hits.y,
                       .z = hits.z,
                       .module = given.empty() ? Span<const std::uint32_t>(made.module) : given,
                       .var_u = hits.var_u,
                       .var_v = hits.var_v,
                       .size_u = hits.size_u,
                       .size_v = hits.size_v,
                       .events = {made.events},
                       .beam_spot = made.beam_spot,
                       .charge = hits.charge,
                       .local_u = hits.local_u,
                       .local_v = hits.local_v};
  if (Status status = validate(batch, detector, limits); !status.ok()) return status;
  return batch;
}

}  // namespace helix
