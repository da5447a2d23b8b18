#pragma once

#include "helix/v1/reconstruct.pb.h"
#include "server/batching/request.h"
#include "server/pipeline.h"

#include <cstdint>

namespace helix::server {

/// Writes one request's part of a batch's result; tracks below min_quality are left out.
void encode(const Answer& answer, const Pipeline& pipeline, std::uint32_t min_quality,
            v1::ReconstructResponse& response);

/// What the pipeline is and what one request may hold.
void encode(const Pipeline& pipeline, v1::DescribePipelineResponse& response);

}  // namespace helix::server
