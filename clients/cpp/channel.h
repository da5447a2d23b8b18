#pragma once

// Connections to a server. Not for users of the library: names gRPC.

#include "clients/cpp/client.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

namespace helix {

/// A connection of its own: no other channel shares it.
std::shared_ptr<grpc::Channel> make_channel(const std::string& address);

/// errors: unavailable, with the address
Status wait_for_connection(grpc::Channel& channel, const std::string& address, std::chrono::milliseconds timeout);

/// Waits until the server answers, at most connect_timeout. errors: as Client::connect
Result<std::shared_ptr<grpc::Channel>> open_channel(const ClientOptions& options);

/// Waits, unless stopped first: whether not. The channel is polled meanwhile, so that it connects again: where no call
/// is under way, gRPC itself looks at it every 5 s only.
bool wait(grpc::Channel& channel, std::chrono::milliseconds duration, const std::stop_token& stop);

/// Tells the server the pipeline ahead of the request, so that one that is full need not read it. A name that is no
/// header's value is left to the request.
void announce(grpc::ClientContext& context, const std::string& pipeline);

/// What the server says of trying again (grpc-retry-pushback-ms), if anything.
std::optional<std::string> pushback_of(const grpc::ClientContext& context);

grpc::StatusCode grpc_code(Code code);

/// gRPC's status as ours; the message begins with the address.
Status status_of(const std::string& address, const grpc::Status& status);

}  // namespace helix
