#pragma once

#include "clients/cpp/reconstruction.h"
#include "kernels/event/trackml_csv.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace helix::helixctl {

/// Whether two events have the same optional columns, so that one request can hold both.
bool same_columns(const EventHits& a, const EventHits& b);

/// Empties the optional columns of other names.
void keep_columns(EventHits& hits, const std::vector<std::string>& names);

/// Events end to end, as one request holds them.
class EventBatch {
 public:
  /// The events have the same optional columns. A batch of one event views it; keep it alive.
  explicit EventBatch(Span<const EventHits* const> events);
  EventBatch(const EventBatch&) = delete;

  const HitColumns& hits() const { return hits_; }

 private:
  EventHits joined_;  // hit_id is left out
  std::vector<std::uint32_t> offsets_{0};
  HitColumns hits_;
};

}  // namespace helix::helixctl
