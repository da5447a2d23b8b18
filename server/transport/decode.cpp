#include "server/transport/decode.h"

#include <memory>
#include <string>
#include <type_traits>

namespace helix::server {
namespace {

using google::protobuf::Arena;
using google::protobuf::RepeatedField;

template <class T>
Span<const T> view(const RepeatedField<T>& column) {
  return {column.data(), static_cast<std::size_t>(column.size())};
}

template <class T>
Span<T> allocate(Arena& arena, std::size_t n) {
  return {Arena::CreateArray<T>(&arena, n), n};
}

Span<BeamSpot> allocate_beam_spots(Arena& arena, std::size_t n) {
  static_assert(sizeof(BeamSpot) == 3 * sizeof(float) && std::is_trivially_destructible_v<BeamSpot>);
  auto* first = reinterpret_cast<BeamSpot*>(Arena::CreateArray<float>(&arena, 3 * n));
  std::uninitialized_default_construct_n(first, n);
  return {first, n};
}

/// The first column whose length is not that of x.
Status check_columns(const v1::Hits& hits) {
  struct Column {
    const char* name;
    int size;
    bool needed;
  };
  const Column columns[] = {
      {"y", hits.y_size(), true},
      {"z", hits.z_size(), true},
      {"module_index", hits.module_index_size(), false},
      {"volume_id", hits.volume_id_size(), false},
      {"layer_id", hits.layer_id_size(), false},
      {"module_id", hits.module_id_size(), false},
      {"var_u", hits.var_u_size(), false},
      {"var_v", hits.var_v_size(), false},
      {"size_u", hits.size_u_size(), false},
      {"size_v", hits.size_v_size(), false},
      {"charge", hits.charge_size(), false},
      {"local_u", hits.local_u_size(), false},
      {"local_v", hits.local_v_size(), false},
  };
  for (const auto& [name, size, needed] : columns)
    if (size != hits.x_size() && (needed || size != 0))
      return invalid_argument(std::string("hits.") + name + " has " + std::to_string(size) + " values, hits.x has " +
                              std::to_string(hits.x_size()));
  return {};
}

Status check_some_events(const v1::Hits& hits) {
  if (hits.event_offsets_size() == 1 || (hits.event_offsets_size() == 0 && hits.x_size() == 0))
    return invalid_argument("request has no events");
  return {};
}

/// Bounds of the events, checked while they are unsigned: the views behind are signed.
Result<Offsets> decode_offsets(const v1::Hits& hits, Arena& arena) {
  const auto n_hits = static_cast<std::uint32_t>(hits.x_size());
  const auto& given = hits.event_offsets();
  if (given.empty()) {
    const Span<Index> whole = allocate<Index>(arena, 2);
    whole[0] = 0;
    whole[1] = hits.x_size();
    return Offsets{whole};
  }
  const auto wrong = [](int i, std::uint32_t value, const std::string& rule) {
    return invalid_argument("hits.event_offsets[" + std::to_string(i) + "] is " + std::to_string(value) + ", " + rule);
  };
  if (given[0] != 0) return wrong(0, given[0], "must be 0");
  for (int i = 1; i < given.size(); ++i)
    if (given[i] < given[i - 1]) return wrong(i, given[i], "less than the one before, " + std::to_string(given[i - 1]));
  const int last = given.size() - 1;
  if (given[last] != n_hits) return wrong(last, given[last], "must be the number of hits, " + std::to_string(n_hits));
  return Offsets{{reinterpret_cast<const Index*>(given.data()), static_cast<std::size_t>(given.size())}};
}

Status check_module_index(const v1::Hits& hits, const Detector& detector) {
  for (int i = 0; i < hits.module_index_size(); ++i)
    if (hits.module_index(i) >= detector.modules.size())
      return invalid_argument("hits.module_index[" + std::to_string(i) + "] is " +
                              std::to_string(hits.module_index(i)) + ", the geometry " + detector.name + " has " +
                              std::to_string(detector.modules.size()) + " modules");
  return {};
}

Result<Span<const std::uint32_t>> decode_triples(const v1::Hits& hits, const Detector& detector, Arena& arena) {
  const Span<std::uint32_t> rows = allocate<std::uint32_t>(arena, static_cast<std::size_t>(hits.x_size()));
  const std::size_t bad =
      detector.find_modules(view(hits.volume_id()), view(hits.layer_id()), view(hits.module_id()), rows);
  if (bad == rows.size()) return Span<const std::uint32_t>(rows);
  const int i = static_cast<int>(bad);
  return invalid_argument("hits.volume_id, layer_id, module_id [" + std::to_string(i) + "] are " +
                          std::to_string(hits.volume_id(i)) + ", " + std::to_string(hits.layer_id(i)) + ", " +
                          std::to_string(hits.module_id(i)) + ": the geometry " + detector.name +
                          " has no such module");
}

Result<Span<const std::uint32_t>> decode_modules(const v1::Hits& hits, const Detector& detector, Arena& arena) {
  if (detector.modules.empty()) return Span<const std::uint32_t>();  // a pipeline that looks at positions alone
  const bool any_triple = hits.volume_id_size() + hits.layer_id_size() + hits.module_id_size() > 0;
  const bool all_triples = hits.volume_id_size() > 0 && hits.layer_id_size() > 0 && hits.module_id_size() > 0;
  if (any_triple && hits.module_index_size() > 0)
    return invalid_argument("hits have module_index and volume_id, layer_id, module_id: send one of the two");
  if (any_triple && !all_triples)
    return invalid_argument("hits have some of volume_id, layer_id, module_id: all three are needed");
  if (any_triple) return decode_triples(hits, detector, arena);
  if (hits.module_index_size() != hits.x_size())
    return invalid_argument("hits have no modules: module_index, or volume_id, layer_id and module_id, is needed");
  if (Status status = check_module_index(hits, detector); !status.ok()) return status;
  return view(hits.module_index());
}

Status check_beam_column(const char* name, int size, Index n_events) {
  if (size == 0 || size == 1 || size == n_events) return {};
  return invalid_argument(std::string("hits.") + name + " has " + std::to_string(size) +
                          " values: none, 1 or one an event, " + std::to_string(n_events) + ", can be");
}

Result<Span<const BeamSpot>> decode_beam_spots(const v1::Hits& hits, const BeamSpot& usual, Index n_events,
                                               Arena& arena) {
  for (const Status& status : {check_beam_column("beam_x", hits.beam_x_size(), n_events),
                               check_beam_column("beam_y", hits.beam_y_size(), n_events),
                               check_beam_column("beam_z", hits.beam_z_size(), n_events)})
    if (!status.ok()) return status;
  const auto value = [](const RepeatedField<float>& column, Index event, float otherwise) {
    return column.empty() ? otherwise : column[column.size() == 1 ? 0 : event];
  };
  const Span<BeamSpot> spots = allocate_beam_spots(arena, static_cast<std::size_t>(n_events));
  for (Index event = 0; event < n_events; ++event)
    spots[static_cast<std::size_t>(event)] = {value(hits.beam_x(), event, usual.x),
                                              value(hits.beam_y(), event, usual.y),
                                              value(hits.beam_z(), event, usual.z)};
  return Span<const BeamSpot>(spots);
}

}  // namespace

Result<HitBatch> decode(const v1::Hits& hits, const Detector& detector, const BeamSpot& default_beam_spot,
                        const HitLimits& limits, Arena& arena) {
  for (const auto check : {check_columns, check_some_events})
    if (Status status = check(hits); !status.ok()) return status;
  const Result<Offsets> events = decode_offsets(hits, arena);
  if (!events.ok()) return events.status();
  const Result<Span<const std::uint32_t>> modules = decode_modules(hits, detector, arena);
  if (!modules.ok()) return modules.status();
  const Result<Span<const BeamSpot>> spots = decode_beam_spots(hits, default_beam_spot, events->rows(), arena);
  if (!spots.ok()) return spots.status();
  const HitBatch batch{.x = view(hits.x()),
                       .y = view(hits.y()),
                       .z = view(hits.z()),
                       .module = *modules,
                       .var_u = view(hits.var_u()),
                       .var_v = view(hits.var_v()),
                       .size_u = view(hits.size_u()),
                       .size_v = view(hits.size_v()),
                       .events = *events,
                       .beam_spot = *spots,
                       .charge = view(hits.charge()),
                       .local_u = view(hits.local_u()),
                       .local_v = view(hits.local_v())};
  if (Status status = validate(batch, detector, limits); !status.ok()) return status;
  return batch;
}

}  // namespace helix::server
