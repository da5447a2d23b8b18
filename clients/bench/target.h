#pragma once

#include "clients/cpp/reconstruction.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace helix::bench {

using Clock = std::chrono::steady_clock;

/// A request that is sent again and again.
struct Payload {
  std::string name;
  ReconstructCall call;     // views
  grpc::ByteBuffer bytes;   // the same, serialised once
  std::string fingerprint;  // of the right answer; empty: answers are not looked at

  std::int64_t hits() const { return static_cast<std::int64_t>(call.hits.x.size()); }
  std::int64_t events() const { return static_cast<std::int64_t>(call.hits.event_offsets.size()) - 1; }
};

/// `call` with its bytes.
Payload make_payload(std::string name, const ReconstructCall& call);

/// All columns of an answer's tracks and vertices as bytes: equal iff the answers are the same to the last bit.
std::string fingerprint(const Reconstruction& answer);

/// How a request ended.
struct Reply {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string error;
  std::optional<std::chrono::milliseconds> pushback;  // the server's hint when to try again
  TimeSplit time;                                     // without stages
  bool differs = false;                               // the answer is not the right one
};

Reply failure(grpc::StatusCode code, std::string error);

/// What `make` makes; an exception is INTERNAL, as a request without a reply would never end.
Reply reply_of(const std::function<Reply()>& make);

/// What load is put on. Thread-safe.
class Target {
 public:
  virtual ~Target() = default;

  /// `done` is called once, on a thread of the target's, never within send. `client` chooses the connection.
  virtual void send(const Payload& payload, int client, Clock::time_point deadline, std::stop_token stop,
                    std::function<void(Reply)> done) = 0;
};

}  // namespace helix::bench
