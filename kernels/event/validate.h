#pragma once

#include "kernels/core/settings.h"
#include "kernels/core/status.h"
#include "kernels/event/hits.h"
#include "kernels/geometry/detector.h"

#include <cstdint>
#include <string>

namespace helix {

/// What one batch may hold.
struct HitLimits {
  std::int64_t max_events = 1024;
  std::int64_t max_hits = 4'000'000;
  std::int64_t max_hits_per_event = 2'000'000;

  template <class Field>
  void fields(Field&& field) {
    field("max_events", max_events, in(1, 1'000'000), "events", "events in one request");
    field("max_hits", max_hits, in(1, 500'000'000), "hits", "hits in one request");
    field("max_hits_per_event", max_hits_per_event, in(1, 500'000'000), "hits", "hits in one event");
  }
};

/// Largest distance from the origin along each axis that a hit or a beam spot may have, mm.
inline constexpr float kMaxCoordinate = 10'000;

/// Whether the columns that a pipeline cannot do without are there.
/// errors: invalid_argument, which begins with `who` and names the first column that is missing
Status check_present(const HitBatch& hits, Span<const OptionalColumn> needed, const std::string& who);

/// Whether a batch in host memory may be reconstructed: nothing later checks input again.
/// Order of the checks: sizes of columns, counts, offsets, beam spots, then values column by column.
/// errors: invalid_argument: the first bad field with its index and value ("hits.z[17] is NaN (event 0)");
///         resource_exhausted: over a limit ("event 3 has 1,200,000 hits, limit 1,000,000")
/// n_modules 0: the pipeline looks at positions alone, and hits need no modules.
Status validate(const HitBatch& hits, std::uint32_t n_modules, const HitLimits& limits);

inline Status validate(const HitBatch& hits, const Detector& detector, const HitLimits& limits) {
  return validate(hits, static_cast<std::uint32_t>(detector.modules.size()), limits);
}

}  // namespace helix
