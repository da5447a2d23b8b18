#pragma once

#include "server/batching/batcher.h"
#include "server/batching/queue_stats.h"
#include "server/batching/request.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <unordered_map>
#include <vector>

namespace helix::server {

/// A batch for a lane.
struct TakenBatch {
  Batch requests{};
  std::uint64_t run = 0;  // for RequestQueue::over
};

/// Requests of one pipeline between decoding and its lanes: the policy is Batcher's; here are ownership, waiting and
/// counting. Bounded by Admission, whose ticket each request holds. Thread-safe. Requests are finished with no lock
/// held.
class RequestQueue {
 public:
  using Now = std::function<Clock::time_point()>;

  explicit RequestQueue(BatcherOptions options = {}, int lanes = 1, Now now = Clock::now)
      : now_(std::move(now)), batcher_(std::move(options), lanes) {}

  /// Taken iff the returned status is ok.
  /// errors: unavailable (closed, with the reason given then), deadline_exceeded (cannot be met), cancelled
  Status push(std::unique_ptr<Request>& request);

  /// Waits for requests and takes a batch. Empty only when stopped, or closed and nothing waits.
  TakenBatch take(const std::stop_token& stop);

  /// The lane that took a batch is done with it.
  void over(std::uint64_t run);

  /// Requests whose lane was lost wait again, at their old places, to run alone. Those of which it is the second lane,
  /// and those that nobody waits for, are finished.
  void give_back(Batch batch, const Status& why);

  /// Finishes a request that waits here; one that is unknown or taken is left alone.
  void cancel(std::uint64_t id);

  /// Finishes those whose deadline has passed, which makes room in the budget.
  void drop_expired();
  /// Those too whose caller has cancelled them, by asking each: for a caller that cancels many at once.
  void drop_unwanted();

  /// No more requests: push fails with this reason; what waits is still taken.
  void close(const Status& reason);

  /// Closes and finishes all that wait.
  void refuse_waiting(const Status& reason);

  // what lanes tell
  void set_lanes(int in_service);
  void computed(const Batch& batch, Clock::duration time, std::size_t bytes);
  void split() { ++splits_; }
  void too_large(const Work& work);

  /// How long a batch of this much work may take before its lane counts as hung: `least`, or more by what is known.
  Clock::duration patience(const Work& work, Clock::duration least) const;

  /// Until what waits and runs now will be done, as far as is known.
  Clock::duration backlog() const;

  /// A request was not let in for want of room.
  void count_rejected() { ++rejected_full_; }

  std::size_t waiting() const;
  QueueStats stats() const;

 private:
  /// A lane that waits.
  struct Idle {
    std::condition_variable_any changed{};
    bool told = false;
  };

  void wait(std::unique_lock<std::mutex>& lock, const std::stop_token& stop, std::optional<Clock::time_point> until);
  void tell_one();
  void tell_all();
  void enter(std::unique_ptr<Request>& request, void (Batcher::*way)(Waiter&, Clock::time_point),
             Clock::time_point now);
  std::unique_ptr<Request> own(const Waiter* waiter);
  Batch own_all(const std::vector<Waiter*>& waiters);
  Batch take_expired();
  void finish_unwanted(Batch batch);

  const Now now_;
  mutable std::mutex mutex_;  // guards batcher_, by_id_, closed_, idle_, accepted_
  std::vector<Idle*> idle_;   // the last to wait last
  Ends ends_;
  Batcher batcher_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Request>> by_id_;  // those that wait
  Status closed_;                                                      // ok: open
  std::uint64_t accepted_ = 0;
  std::atomic<std::uint64_t> rejected_full_{0}, rejected_late_{0}, splits_{0}, retries_{0};
};

}  // namespace helix::server
