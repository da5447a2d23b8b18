#include "clients/cpp/channel.h"

#include <algorithm>
#include <iterator>

namespace helix {
namespace {

struct CodePair {
  Code ours;
  grpc::StatusCode grpcs;
};
constexpr CodePair kCodes[] = {{Code::ok, grpc::StatusCode::OK},
                               {Code::invalid_argument, grpc::StatusCode::INVALID_ARGUMENT},
                               {Code::invalid_argument, grpc::StatusCode::PERMISSION_DENIED},
                               {Code::not_found, grpc::StatusCode::NOT_FOUND},
                               {Code::resource_exhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
                               {Code::deadline_exceeded, grpc::StatusCode::DEADLINE_EXCEEDED},
                               {Code::cancelled, grpc::StatusCode::CANCELLED},
                               {Code::unavailable, grpc::StatusCode::UNAVAILABLE}};

Code code_of(grpc::StatusCode code) {
  const auto found = std::find_if(std::begin(kCodes), std::end(kCodes), [&](CodePair c) { return c.grpcs == code; });
  return found != std::end(kCodes) ? found->ours : Code::internal;
}

grpc::ChannelArguments channel_arguments() {
  grpc::ChannelArguments arguments;
  // A large event is larger than gRPC's default of 4 MiB; what is too large is the server's to say.
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetMaxReceiveMessageSize(-1);
  // Two Clients are two connections.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Reconnects soon after a server's restart.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  return arguments;
}

}  // namespace

std::shared_ptr<grpc::Channel> make_channel(const std::string& address) {
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), channel_arguments());
}

bool wait(grpc::Channel& channel, std::chrono::milliseconds duration, const std::stop_token& stop) {
  using Clock = std::chrono::system_clock;  // what gRPC's deadlines are in
  constexpr std::chrono::milliseconds kLookForStop{50};
  const auto end = Clock::now() + duration;
  while (!stop.stop_requested() && Clock::now() < end)
    channel.WaitForStateChange(channel.GetState(true), std::min(end, Clock::now() + kLookForStop));
  return !stop.stop_requested();
}

void announce(grpc::ClientContext& context, const std::string& pipeline) {
  if (std::all_of(pipeline.begin(), pipeline.end(), [](char c) { return c > ' ' && c <= '~'; }))
    context.AddMetadata("helix-pipeline", pipeline);
}

std::optional<std::string> pushback_of(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("grpc-retry-pushback-ms");
  if (found == trailers.end()) return std::nullopt;
  return std::string(found->second.data(), found->second.size());
}

grpc::StatusCode grpc_code(Code code) {
  const auto found = std::find_if(std::begin(kCodes), std::end(kCodes), [&](CodePair c) { return c.ours == code; });
  return found != std::end(kCodes) ? found->grpcs : grpc::StatusCode::INTERNAL;
}

Status wait_for_connection(grpc::Channel& channel, const std::string& address, std::chrono::milliseconds timeout) {
  if (channel.WaitForConnected(std::chrono::system_clock::now() + timeout)) return {};
  return unavailable("no server at " + address + " within " + std::to_string(timeout.count()) + " ms");
}

Result<std::shared_ptr<grpc::Channel>> open_channel(const ClientOptions& options) {
  auto channel = make_channel(options.address);
  if (Status status = wait_for_connection(*channel, options.address, options.connect_timeout); !status.ok())
    return status;
  return std::shared_ptr<grpc::Channel>(std::move(channel));
}

Status status_of(const std::string& address, const grpc::Status& status) {
  return {code_of(status.error_code()), address + ": " + status.error_message()};
}

}  // namespace helix
