#pragma once

// Client::reconstruct_stream. Not for users of the library: names gRPC.

#include "clients/cpp/client.h"
#include "helix/v1/reconstruct.grpc.pb.h"

#include <grpcpp/grpcpp.h>

namespace helix {

/// As Client::reconstruct_stream, over this channel and its stub.
Status run_stream(grpc::Channel& channel, v1::Reconstruction::Stub& stub, const ClientOptions& options,
                  const Client::NextCall& next, const Client::OnResult& done, const std::stop_token& stop);

}  // namespace helix
