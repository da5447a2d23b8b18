#pragma once

// Between the structs of this library and helix.v1's messages. Not for users of the library: names protobuf.

#include "clients/cpp/reconstruction.h"
#include "helix/v1/reconstruct.pb.h"

namespace helix {

/// The request as it goes over the wire; values are not judged, that is the server's.
v1::ReconstructRequest encode(const ReconstructCall& call);

/// errors: internal, where columns of an answer do not fit together, or not the hits of the call
Result<Reconstruction> decode(const v1::ReconstructResponse& answer, const HitColumns& hits);

/// Without a check, as any value is one.
TimeSplit decode(const v1::TimeSplit& from);

PipelineDescription decode(const v1::DescribePipelineResponse& answer);

}  // namespace helix
