#include "kernels/event/validate.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace helix {
namespace {

/// 1200000 as "1,200,000"
std::string grouped(std::int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string number(float value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "infinite" : "-infinite";
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

Index event_of(const HitBatch& hits, std::size_t hit) {
  Index event = 0;
  while (hits.events.end(event) <= static_cast<Index>(hit)) ++event;
  return event;
}

Status bad_hit(const HitBatch& hits, const char* field, std::size_t hit, const std::string& trouble) {
  return invalid_argument(std::string("hits.") + field + "[" + std::to_string(hit) + "] is " + trouble + " (event " +
                          std::to_string(event_of(hits, hit)) + ")");
}

Status check_sizes(const HitBatch& hits, std::uint32_t n_modules) {
  const std::size_t n = hits.x.size();
  const struct {
    const char* name;
    std::size_t size;
    bool optional;
  } columns[] = {
      {"y", hits.y.size(), false}, {"z", hits.z.size(), false}, {"module", hits.module.size(), n_modules == 0}};
  const auto wrong = [n](const char* name, std::size_t size) {
    return invalid_argument(std::string("hits.") + name + " has " + grouped(size) + " entries, hits.x has " +
                            grouped(n));
  };
  for (const auto& [name, size, optional] : columns)
    if (size != n && !(optional && size == 0)) return wrong(name, size);
  for (const OptionalColumn& column : kOptionalColumns)
    if (const std::size_t size = (hits.*column.of).size(); size != n && size != 0) return wrong(column.name, size);
  if (hits.var_u.empty() != hits.var_v.empty())
    return invalid_argument("hits.var_u and hits.var_v: one of them is missing");
  return {};
}

/// Counts that would not fit an Index are over any limit.
Status check_counts(const HitBatch& hits, const HitLimits& limits) {
  const auto n_events = static_cast<std::int64_t>(hits.events.at.size()) - 1;
  if (n_events < 1) return invalid_argument("no events: event_offsets needs 2 entries or more");
  if (n_events > limits.max_events)
    return resource_exhausted(grouped(n_events) + " events, limit " + grouped(limits.max_events));
  const auto n = static_cast<std::int64_t>(hits.x.size());
  if (n > limits.max_hits || n > std::numeric_limits<Index>::max())
    return resource_exhausted(grouped(n) + " hits, limit " + grouped(limits.max_hits));
  return {};
}

Status check_offsets(const HitBatch& hits, const HitLimits& limits) {
  const Span<const Index> at = hits.events.at;
  const auto place = [](std::size_t i) { return "event_offsets[" + std::to_string(i) + "] is "; };
  if (at[0] != 0) return invalid_argument(place(0) + std::to_string(at[0]) + ", not 0");
  for (std::size_t i = 1; i < at.size(); ++i)
    if (at[i] < at[i - 1])
      return invalid_argument(place(i) + std::to_string(at[i]) + ", less than the one before, " +
                              std::to_string(at[i - 1]));
  const std::size_t last = at.size() - 1;
  if (static_cast<std::size_t>(at[last]) != hits.x.size())
    return invalid_argument(place(last) + std::to_string(at[last]) + ", but there are " + grouped(hits.x.size()) +
                            " hits");
  for (Index e = 0; e < hits.n_events(); ++e)
    if (hits.events.size(e) > limits.max_hits_per_event)
      return resource_exhausted("event " + std::to_string(e) + " has " + grouped(hits.events.size(e)) +
                                " hits, limit " + grouped(limits.max_hits_per_event));
  return {};
}

Status check_beam_spots(const HitBatch& hits) {
  const auto n_events = static_cast<std::size_t>(hits.n_events());
  if (hits.beam_spot.size() != n_events)
    return invalid_argument("beam_spot has " + grouped(hits.beam_spot.size()) + " entries for " + grouped(n_events) +
                            " events");
  for (std::size_t e = 0; e < n_events; ++e) {
    const BeamSpot& spot = hits.beam_spot[e];
    for (const auto& [axis, value] : {std::pair{'x', spot.x}, {'y', spot.y}, {'z', spot.z}})
      if (!(std::abs(value) <= kMaxCoordinate))
        return invalid_argument(std::string("beam_spot[") + std::to_string(e) + "]." + axis + " is " + number(value) +
                                ", not within +-" + number(kMaxCoordinate) + " mm");
  }
  return {};
}

/// First index of a value for which `good` does not hold; size() where all are good.
template <class T, class Good>
std::size_t first_bad(Span<const T> column, Good good) {
  constexpr std::size_t kBlock = 64;  // looked at in vectors, as a whole
  std::size_t i = 0;
  for (; i + kBlock <= column.size(); i += kBlock) {
    int n_good = 0;
    for (std::size_t k = 0; k < kBlock; ++k) n_good += static_cast<int>(good(column[i + k]));
    if (n_good < static_cast<int>(kBlock)) break;
  }
  for (; i < column.size(); ++i)
    if (!good(column[i])) return i;
  return column.size();
}

Status check_values(const HitBatch& hits, std::uint32_t n_modules) {
  const struct {
    const char* name;
    Span<const float> column;
    float low, high;
    const char* allowed;
  } columns[] = {{"x", hits.x, -kMaxCoordinate, kMaxCoordinate, ", not within +-10000 mm"},
                 {"y", hits.y, -kMaxCoordinate, kMaxCoordinate, ", not within +-10000 mm"},
                 {"z", hits.z, -kMaxCoordinate, kMaxCoordinate, ", not within +-10000 mm"},
                 {"var_u", hits.var_u, std::numeric_limits<float>::min(), 1e6f, ", not above 0 and up to 1e6 mm^2"},
                 {"var_v", hits.var_v, std::numeric_limits<float>::min(), 1e6f, ", not above 0 and up to 1e6 mm^2"},
                 {"size_u", hits.size_u, 0, 1e6f, ", not within 0 .. 1e6"},
                 {"size_v", hits.size_v, 0, 1e6f, ", not within 0 .. 1e6"},
                 {"charge", hits.charge, -1e9f, 1e9f, ", not within +-1e9"},
                 {"local_u", hits.local_u, -kMaxCoordinate, kMaxCoordinate, ", not within +-10000 mm"},
                 {"local_v", hits.local_v, -kMaxCoordinate, kMaxCoordinate, ", not within +-10000 mm"}};
  for (const auto& c : columns) {
    const std::size_t i =
        first_bad(c.column, [low = c.low, high = c.high](float v) { return (v >= low) & (v <= high); });
    if (i == c.column.size()) continue;
    const float value = c.column[i];
    return bad_hit(hits, c.name, i, number(value) + (std::isfinite(value) ? c.allowed : ""));
  }
  const std::size_t i = first_bad(hits.module, [&](std::uint32_t m) { return m < n_modules; });
  if (i == hits.module.size()) return {};
  return bad_hit(hits, "module", i, grouped(hits.module[i]) + ", the geometry has " + grouped(n_modules) + " modules");
}

}  // namespace

Status check_present(const HitBatch& hits, Span<const OptionalColumn> needed, const std::string& who) {
  if (hits.x.empty()) return {};
  for (const OptionalColumn& column : needed)
    if ((hits.*column.of).empty())
      return invalid_argument(who + " looks at " + column.name + " of each hit, and this request has no hits." +
                              column.name);
  return {};
}

Status validate(const HitBatch& hits, std::uint32_t n_modules, const HitLimits& limits) {
  if (Status status = check_sizes(hits, n_modules); !status.ok()) return status;
  if (Status status = check_counts(hits, limits); !status.ok()) return status;
  if (Status status = check_offsets(hits, limits); !status.ok()) return status;
  if (Status status = check_beam_spots(hits); !status.ok()) return status;
  return check_values(hits, n_modules);
}

}  // namespace helix
