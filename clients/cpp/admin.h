#pragma once

#include "clients/cpp/client.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace helix {

/// A pipeline of a server, now.
struct PipelineState {
  std::string name, health, backend;  // SERVING, NOT_SERVING or SERVICE_UNKNOWN; cpu or cuda
  std::vector<std::string> devices;   // one a lane
  std::uint32_t lanes_in_service = 0;
  std::uint32_t waiting = 0, requests = 0, max_requests = 0;  // in the queue; that wait or run; at most
  std::uint64_t bytes = 0, max_bytes = 0;                     // of those that wait or run; at most
  std::string geometry, geometry_digest, settings_digest;
};

/// A server, now.
struct ServerState {
  std::string version, log_level;
  std::uint32_t pid = 0, calls = 0, reloads = 0;  // calls: under way, a stream is one
  std::chrono::milliseconds uptime{};
  bool draining = false;
  std::vector<PipelineState> pipelines;
};

/// helix.v1.Admin of a server. Thread-safe. errors: those of Client, and invalid_argument where the server does not
/// allow it to this client.
class Admin {
 public:
  /// errors: as Client::connect
  static Result<std::unique_ptr<Admin>> connect(const ClientOptions& options);
  ~Admin();

  Result<ServerState> state();
  /// As SIGTERM.
  Status drain();
  /// As SIGHUP, and waits until it is done, at most options.timeout. The settings that only a restart changes.
  /// errors: also what is wrong with the new settings, geometry or models; then nothing has changed
  Result<std::vector<std::string>> reload();
  /// The last batches in Chrome's trace event format (JSON), for Perfetto.
  Result<std::string> trace();
  /// debug, info, warn or error; until the next reload.
  Status set_log_level(const std::string& level);

 private:
  struct Impl;
  explicit Admin(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace helix
