#pragma once

#include "clients/bench/target.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace helix::bench {

struct ServerTargetOptions {
  std::string address;
  int connections = 1;
  std::string pipeline;                                       // of all payloads
  std::vector<std::pair<std::string, std::string>> metadata;  // of each call
};

/// A helixd server. Bytes go out as they are; of an answer only the split of time is parsed, unless it is checked.
/// Calls are gRPC's own callbacks, so a client is no thread.
class ServerTarget : public Target {
 public:
  explicit ServerTarget(const ServerTargetOptions& options);
  ~ServerTarget() override;

  /// Opens all connections. errors: unavailable, with the address
  Status connect(std::chrono::milliseconds timeout);

  void send(const Payload& payload, int client, Clock::time_point deadline, std::stop_token stop,
            std::function<void(Reply)> done) override;

 private:
  struct Connection;
  ServerTargetOptions options_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace helix::bench
