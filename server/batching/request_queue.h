#pragma once

#include "server/batching/fifo.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>

namespace helix::server {

/// What waits at one moment.
struct QueueDepth {
  std::size_t requests = 0, bytes = 0;
  std::int64_t hits = 0;
  std::chrono::nanoseconds oldest_age{};
};

/// Requests of one pipeline between decoding and its lanes. Bounded by Admission, whose ticket each request holds.
/// Thread-safe. Requests are finished with no lock held.
class RequestQueue {
 public:
  using Now = std::function<Clock::time_point()>;

  explicit RequestQueue(Now now = Clock::now) : now_(std::move(now)) {}

  /// Taken iff the returned status is ok.
  /// errors: unavailable (closed, with the reason given then)
  Status push(std::unique_ptr<Request>& request);

  /// Waits for requests and takes a batch. Empty only when stopped or closed, and nothing waits.
  Batch take(const std::stop_token& stop, const BatchBudget& budget);

  /// Finishes those that nobody waits for, which makes room in the budget.
  void drop_unwanted();

  /// No more requests: push fails with this reason; what waits is still taken.
  void close(const Status& reason);

  /// Closes and finishes all that wait.
  void refuse_waiting(const Status& reason);

  std::size_t waiting() const;
  QueueDepth depth() const;

 private:
  const Now now_;
  mutable std::mutex mutex_;  // guards waiting_, closed_
  std::condition_variable_any changed_;
  Waiting waiting_;
  Status closed_;  // ok: open
};

}  // namespace helix::server
