#pragma once

#include "kernels/core/status.h"

#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

namespace helix::server {

/// A gRPC server that takes calls.
struct Listening {
  std::unique_ptr<grpc::Server> server;
  std::vector<std::string> addresses;  // as bound: with the ports that were chosen
  int port = 0;                        // of the first address that has one
};

/// Opens all addresses (separated by commas: HOST:PORT, [IPV6]:PORT or unix:PATH) and serves. The services outlive
/// the server.
/// errors: invalid_argument (not an address), unavailable (an address cannot be bound; names it)
Result<Listening> listen(const std::string& addresses, int max_message_bytes,
                         const std::vector<grpc::Service*>& services);

}  // namespace helix::server
