#pragma once

#include "clients/cpp/reconstruction.h"
#include "kernels/event/validate.h"
#include "kernels/geometry/detector.h"

#include <cstdint>
#include <vector>

namespace helix {

/// What a HitBatch needs that the caller's columns don't hold as it is needed.
struct HitBatchColumns {
  std::vector<Index> events;
  std::vector<std::uint32_t> module;
  std::vector<BeamSpot> beam_spot;
};

/// Validated views over the caller's columns and `made`, by the same rules as the server's.
/// errors: invalid_argument or resource_exhausted (over a limit) that name field, index, value and limit
Result<HitBatch> make_batch(const HitColumns& hits, const Detector& detector, const BeamSpot& usual_beam_spot,
                            const HitLimits& limits, HitBatchColumns& made);

}  // namespace helix
