#include "clients/cpp/channel.h"

namespace helix {
namespace {

Code code_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return Code::ok;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::PERMISSION_DENIED:
      return Code::invalid_argument;
    case grpc::StatusCode::NOT_FOUND:
      return Code::not_found;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return Code::resource_exhausted;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Code::deadline_exceeded;
    case grpc::StatusCode::CANCELLED:
      return Code::cancelled;
    case grpc::StatusCode::UNAVAILABLE:
      return Code::unavailable;
    default:
      return Code::internal;
  }
}

grpc::ChannelArguments channel_arguments() {
  grpc::ChannelArguments arguments;
  // A large event is larger than gRPC's default of 4 MiB; what is too large is the server's to say.
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetMaxReceiveMessageSize(-1);
  // One channel of a process never shares its connection with another: two Clients are two connections.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Reconnects soon after a server's restart.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  return arguments;
}

}  // namespace

Result<std::shared_ptr<grpc::Channel>> open_channel(const ClientOptions& options) {
  auto channel = grpc::CreateCustomChannel(options.address, grpc::InsecureChannelCredentials(), channel_arguments());
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + options.connect_timeout))
    return unavailable("no server at " + options.address + " within " +
                       std::to_string(options.connect_timeout.count()) + " ms");
  return std::shared_ptr<grpc::Channel>(std::move(channel));
}

Status status_of(const std::string& address, const grpc::Status& status) {
  return {code_of(status.error_code()), address + ": " + status.error_message()};
}

}  // namespace helix
