#pragma once

// Connections to a server. Not for users of the library: names gRPC.

#include "clients/cpp/client.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace helix {

/// Waits until the server answers, at most connect_timeout. errors: as Client::connect
Result<std::shared_ptr<grpc::Channel>> open_channel(const ClientOptions& options);

/// gRPC's status as ours; the message begins with the address.
Status status_of(const std::string& address, const grpc::Status& status);

}  // namespace helix
