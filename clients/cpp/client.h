#pragma once

#include "clients/cpp/reconstruction.h"
#include "clients/cpp/retry.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
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

  /// The next call of a stream, none at its end. Its hits are needed until it is asked for the one after.
  using NextCall = std::function<std::optional<ReconstructCall>()>;
  /// The answer to the n-th call, counted from 0, or why that one has none.
  using OnResult = std::function<void(std::size_t, Result<Reconstruction>)>;

  /// Many calls over one stream, with as many under way as the server takes. `next` is called by a thread of its own,
  /// no faster than that, and waited for at the end; `done` by this one, once for each call, in the order in which they
  /// are done. What a server that ends leaves without an answer is sent again, by the policy of a call each time that
  /// nothing was answered meanwhile. Ok: `done` was called for all. Else, for those it was not called for: errors:
  /// unavailable, deadline_exceeded (no answer within `timeout`), cancelled (`stop`), internal. throws what
  ///         `next` and `done` throw
  Status reconstruct_stream(const NextCall& next, const OnResult& done, std::stop_token stop = {});

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
