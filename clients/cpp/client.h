#pragma once

#include "clients/cpp/reconstruction.h"
#include "clients/cpp/retry.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace helix {

/// The address a client uses when it is told none: environment HELIX_SERVER, else the server's default port here.
std::string default_address();

struct ClientOptions {
  std::string address = default_address();  // HOST:PORT, or anything gRPC resolves
  std::chrono::milliseconds connect_timeout{5000};
  /// Of one call, all attempts together: this much, and as much again for each million hits.
  std::chrono::milliseconds timeout{60000};
  /// Of a small call: list, describe, health, and those of Admin but reload.
  std::chrono::milliseconds ask_timeout{10000};
  RetryOptions retry;
};

/// A helixd server. Thread-safe: call it from as many threads as events should be under way (in_flight.h).
class Client : public Reconstructor {
 public:
  /// Waits until the server answers, at most connect_timeout.
  /// errors: unavailable, with the address; invalid_argument (the address is not one)
  static Result<std::unique_ptr<Client>> connect(const ClientOptions& options);
  ~Client() override;

  Result<Reconstruction> reconstruct(const ReconstructCall& call, std::stop_token stop = {}) override;
  Result<std::vector<std::string>> pipelines() override;
  Result<PipelineDescription> describe(const std::string& pipeline) override;

  /// grpc.health.v1: whether `service` ("": the whole server, else a pipeline or gRPC service) takes work.
  /// errors: not_found (the server knows no such service), unavailable
  Result<bool> healthy(const std::string& service = "");

  const std::string& address() const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace helix
