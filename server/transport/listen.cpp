#include "server/transport/listen.h"

#include "server/transport/unix_socket.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <charconv>

namespace helix::server {
namespace {

std::vector<std::string> split(const std::string& addresses) {
  std::vector<std::string> all;
  for (std::size_t begin = 0; begin <= addresses.size();) {
    const std::size_t end = std::min(addresses.find(',', begin), addresses.size());
    std::string one = addresses.substr(begin, end - begin);
    one.erase(0, one.find_first_not_of(' '));
    one.erase(one.find_last_not_of(' ') + 1);
    all.push_back(std::move(one));
    begin = end + 1;
  }
  return all;
}

// What streams that gRPC owns (reflection), and calls whose request has not come, may still take at the end; all others
// of ours are over by then.
constexpr std::chrono::milliseconds kServerPatience{1000};

bool is_unix(const std::string& address) { return address.starts_with("unix:"); }

/// gRPC would take a missing or odd port for a service name, or for 443.
Status check_address(const std::string& address) {
  if (is_unix(address) && address.size() > 5) return {};
  const std::size_t colon = address.rfind(':');
  int port = -1;
  if (colon != std::string::npos && colon > 0) {
    const char* end = address.data() + address.size();
    const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
    if (parsed.ptr != end || parsed.ec != std::errc()) port = -1;
  }
  if (port >= 0 && port <= 65535) return {};
  return invalid_argument("server.listen: \"" + address + "\" is not HOST:PORT, [IPV6]:PORT or unix:PATH");
}

/// gRPC takes a unix socket away from whoever serves it; and that one, at its end, the socket's file from us.
Status check_free(const std::string& address) {
  if (!is_unix(address)) return {};
  const std::string path = address.substr(address.starts_with("unix:///") ? 7 : 5);
  if (!someone_listens(path)) return {};
  return unavailable("cannot listen on " + address + ": a process serves it");
}

/// HTTP/2's window of a call before its message is asked for. gRPC would measure what the network holds (BDP), and let
/// clients send that: on a fast one whole requests, also those that it then refuses. It would choose the size of frames
/// by that too: small ones cost both sides a third more.
void bound_send_ahead(grpc::ServerBuilder& builder, int bytes) {
  constexpr int kLengthOfMessage = 5, kFrame = 1 << 20;  // without its length no message is asked for
  if (bytes == 0) return;
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, std::max(bytes, kLengthOfMessage));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kFrame);
}

void configure(grpc::ServerBuilder& builder, bool share_port, const LimitOptions& limits) {
  builder.SetMaxReceiveMessageSize(limits.max_message_bytes);
  bound_send_ahead(builder, limits.send_ahead_bytes);
  // By accident, two daemons on one port would share its clients silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, share_port ? 1 : 0);
  // This version of gRPC checks the size of a message before it is unpacked, not after: a small one could fill the
  // memory. Columns of floats hardly shrink anyhow.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
}

/// The address with the port that was chosen for it.
std::string bound(const std::string& address, int port) {
  return is_unix(address) ? address : address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

}  // namespace

// gRPC's C++ interface has only the whole shutdown, which waits; this is the first half of it, and may be followed by
// it.
void Listening::send_away() {
  sent_away_.reset(grpc_completion_queue_create_for_next(nullptr));
  grpc_server_shutdown_and_notify(server->c_server(), sent_away_.get(), this);
}

void Listening::DeleteQueue::operator()(grpc_completion_queue* queue) const {
  grpc_completion_queue_shutdown(queue);
  while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_REALTIME), nullptr).type != GRPC_QUEUE_SHUTDOWN) {
  }
  grpc_completion_queue_destroy(queue);
}

Listening::~Listening() {
  if (server) server->Shutdown(std::chrono::system_clock::now() + kServerPatience);
}

Result<std::unique_ptr<Listening>> listen(const std::string& addresses, bool share_port, const LimitOptions& limits,
                                          const std::vector<grpc::Service*>& services) {
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  configure(builder, share_port, limits);
  const std::vector<std::string> wanted = split(addresses);
  std::vector<int> ports(wanted.size(), 0);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (Status status = check_address(wanted[i]); !status.ok()) return status;
    if (Status status = check_free(wanted[i]); !status.ok()) return status;
    builder.AddListeningPort(wanted[i], grpc::InsecureServerCredentials(), &ports[i]);
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  auto out = std::make_unique<Listening>();
  out->server = builder.BuildAndStart();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!out->server || ports[i] <= 0)
      if (ports[i] <= 0)
        return unavailable("cannot listen on " + wanted[i] + ": in use, or not an address of this machine");
    if (out->port == 0 && !is_unix(wanted[i])) out->port = ports[i];
    out->addresses.push_back(bound(wanted[i], ports[i]));
  }
  if (!out->server) return unavailable("cannot listen on " + addresses);
  return out;
}

}  // namespace helix::server
