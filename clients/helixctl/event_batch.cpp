#include "clients/helixctl/event_batch.h"

#include <algorithm>
#include <iterator>

namespace helix::helixctl {
namespace {

/// Columns that a file may lack, by their names.
constexpr struct {
  const char* name;
  std::vector<float> EventHits::*of;
} kOptional[] = {
    {"var_u", &EventHits::var_u},     {"var_v", &EventHits::var_v},   {"size_u", &EventHits::size_u},
    {"size_v", &EventHits::size_v},   {"charge", &EventHits::charge}, {"local_u", &EventHits::local_u},
    {"local_v", &EventHits::local_v},
};

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append(EventHits& to, const EventHits& from) {
  for (auto column : {&EventHits::x, &EventHits::y, &EventHits::z}) append(to.*column, from.*column);
  for (const auto& [name, column] : kOptional) append(to.*column, from.*column);
  for (auto column : {&EventHits::volume_id, &EventHits::layer_id, &EventHits::module_id})
    append(to.*column, from.*column);
}

/// Modules go by TrackML's numbers, which every file has and which no order of detectors.csv can confuse.
HitColumns view(const EventHits& hits) {
  HitColumns columns;
  columns.x = hits.x;
  columns.y = hits.y;
  columns.z = hits.z;
  columns.volume_id = hits.volume_id;
  columns.layer_id = hits.layer_id;
  columns.module_id = hits.module_id;
  columns.var_u = hits.var_u;
  columns.var_v = hits.var_v;
  columns.size_u = hits.size_u;
  columns.size_v = hits.size_v;
  columns.charge = hits.charge;
  columns.local_u = hits.local_u;
  columns.local_v = hits.local_v;
  return columns;
}

}  // namespace

bool same_columns(const EventHits& a, const EventHits& b) {
  // An event without hits has no columns to tell, and fits anywhere.
  if (a.size() == 0 || b.size() == 0) return true;
  return std::all_of(std::begin(kOptional), std::end(kOptional),
                     [&](const auto& column) { return (a.*column.of).empty() == (b.*column.of).empty(); });
}

void keep_columns(EventHits& hits, const std::vector<std::string>& names) {
  for (const auto& [name, column] : kOptional)
    if (std::find(names.begin(), names.end(), name) == names.end()) (hits.*column).clear();
}

EventBatch::EventBatch(Span<const EventHits* const> events) {
  for (const EventHits* event : events) offsets_.push_back(offsets_.back() + static_cast<std::uint32_t>(event->size()));
  if (events.size() > 1)
    for (const EventHits* event : events) append(joined_, *event);
  hits_ = view(events.size() == 1 ? *events[0] : joined_);
  hits_.event_offsets = offsets_;
}

}  // namespace helix::helixctl
