#pragma once

#include "kernels/core/status.h"
#include "server/config/options.h"

#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

namespace helix::server {

/// A gRPC server that takes calls.
struct Listening {
  Listening() = default;
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening();

  /// Closes the addresses at once and tells all clients to connect anew (GOAWAY), which may lead them to another
  /// process; calls under way go on.
  void send_away();

  std::unique_ptr<grpc::Server> server;
  std::vector<std::string> addresses;  // as bound: with the ports that were chosen
  int port = 0;                        // of the first address that has one

 private:
  struct DeleteQueue {
    void operator()(grpc_completion_queue* queue) const;
  };
  std::unique_ptr<grpc_completion_queue, DeleteQueue> sent_away_;  // hears when the last call is over
};

/// Opens all addresses (separated by commas: HOST:PORT, [IPV6]:PORT or unix:PATH) and serves. The services outlive
/// the server. share_port: others who say so too may have the same address, and each gets some of the connections.
/// errors: invalid_argument (not an address), unavailable (an address cannot be bound; names it)
Result<std::unique_ptr<Listening>> listen(const std::string& addresses, bool share_port, const LimitOptions& limits,
                                          const std::vector<grpc::Service*>& services);

}  // namespace helix::server
