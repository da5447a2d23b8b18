#pragma once

#include "helix/v1/data.pb.h"
#include "kernels/core/status.h"
#include "kernels/event/hits.h"
#include "kernels/event/validate.h"
#include "kernels/geometry/detector.h"

#include <google/protobuf/arena.h>

namespace helix::server {

/// Validated views over a message of hits. What the message does not hold as it is needed (rows of modules named by
/// three numbers, beam spots, bounds of a single event) is made on `arena`. The message and the arena outlive the
/// views. errors: invalid_argument or resource_exhausted (over a limit) that name field, index, value and limit
Result<HitBatch> decode(const v1::Hits& hits, const Detector& detector, const BeamSpot& default_beam_spot,
                        const HitLimits& limits, google::protobuf::Arena& arena);

}  // namespace helix::server
