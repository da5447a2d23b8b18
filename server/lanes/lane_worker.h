#pragma once

#include "kernels/engine.h"
#include "server/batching/request_queue.h"
#include "server/lanes/gather.h"
#include "server/observe/observer.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

namespace helix::server {

/// Called when a lane has lost its device: why, the requests that it was at, and their run.
using LaneLost = std::function<void(const Status&, TakenBatch)>;

/// Threads of lanes that were taken out of service because they hang, and still do: only std::_Exit ends the process
/// then, as they use what its end takes away.
int hanging_lanes();

/// What a lane's thread does and owns. Shared by the thread and its lane, as a thread that hangs in its device outlives
/// everything else: after `abandon` it touches nothing but this.
class LaneWorker {
 public:
  LaneWorker(int number, std::unique_ptr<Engine> engine, RequestQueue& queue, Clock::duration watchdog, LaneLost lost,
             Observer& observer);

  /// The thread: warms the engine up, pulls batches, runs them, answers each request. Returns when the queue is closed
  /// and empty, when stopped, or when the device is lost.
  void loop();

  /// The batch under way is the last.
  void stop() { stop_.request_stop(); }

  const std::string& device() const { return device_; }
  const std::string& backend() const { return backend_; }
  /// How the warm-up went; none: it has not ended by the deadline.
  std::optional<Status> wait_warm(Clock::time_point deadline);
  bool wait_ended(Clock::time_point deadline);

  /// When the batch under way counts as hung; the end of time where there is none, or no watchdog.
  Clock::time_point overdue_at() const;
  /// Takes the batch away from a thread that hangs: its requests, and whether it did hang. A late result is dropped.
  bool abandon(Clock::time_point now, TakenBatch& taken);

 private:
  struct Computed {
    BatchResult result;
    Index n_events, n_hits;
    Clock::time_point gathered, done;
  };

  void warm_up();
  TakenBatch take();
  void run(TakenBatch taken);
  void run_parts();
  void run_part();
  void split(const Status& why);
  void lose_device(const Status& why);
  void give_up(const Status& why);
  Batch take_rest();
  Result<Computed> compute(const HitBatch& hits);
  Result<Computed> watched();
  void answer(const Computed& computed);
  void observe(const Result<Computed>& computed) const;

  const int number_;
  const std::unique_ptr<Engine> engine_;
  const std::string backend_, device_;
  RequestQueue& queue_;
  const Clock::duration watchdog_;
  const LaneLost lost_;
  Observer& observer_;
  std::stop_source stop_;
  Gather gather_;
  bool lost_device_ = false;
  bool any_refused_ = false;  // of the batch taken
  Work too_large_{};          // the largest part that memory did not hold
  Clock::time_point taken_;   // the part that is computed

  mutable std::mutex mutex_;  // guards all below; pending_ and part_ are the thread's own while nothing is computed
  std::condition_variable changed_;
  std::optional<Status> warm_;  // how the warm-up went; none: it has not ended
  bool ended_ = false, abandoned_ = false;
  Clock::time_point overdue_at_ = Clock::time_point::max();
  std::vector<Batch> pending_;  // parts of the batch taken, the next one last
  Batch part_;                  // that is being computed, or was just now
  std::uint64_t run_ = 0;
};

}  // namespace helix::server
