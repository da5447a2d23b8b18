#pragma once

#include "kernels/core/ragged.h"
#include "kernels/engine.h"
#include "server/batching/request.h"

#include <chrono>
#include <string>
#include <string_view>

namespace helix::server {

/// A batch at its end, as its lane saw it. Views, valid while Observer::batch runs.
struct BatchRecord {
  int lane = 0;  // within the pipeline
  std::string_view device;
  Code code = Code::ok;
  int requests = 0;
  Index events = 0, hits = 0;
  Clock::time_point arrived;                          // of the request that came first
  Clock::time_point taken, gathered, computed, done;  // done: each request has its answer; failed: all but taken equal
  std::chrono::nanoseconds copy_in{}, compute{}, copy_out{};
  Span<const StageTime> stages;
  std::size_t memory = 0;  // bytes that the lane's engine holds
};

/// A request at its end, right before its client is told.
struct RequestRecord {
  int priority = kNormal;  // its class
  Code code = Code::ok;
  bool rejected = false;             // the server was full
  std::chrono::nanoseconds queue{};  // code ok: how long it waited for a lane
  std::chrono::nanoseconds total{};  // since its first byte was there
};

/// Is told of the ends of batches and requests of one pipeline; this one forgets them. Thread-safe, quick, never
/// throws.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void batch(const BatchRecord&) noexcept {}
  virtual void request(const RequestRecord&) noexcept {}
};

/// The one that forgets, where nobody asks.
inline Observer& no_observer() {
  static Observer none;
  return none;
}

}  // namespace helix::server
