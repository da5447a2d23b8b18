#pragma once

#include "server/lanes/lane_worker.h"

#include <memory>
#include <string>
#include <thread>

namespace helix::server {

/// A device and the thread that owns it. Its end waits for the batch under way, unless the thread was abandoned.
class Lane {
 public:
  Lane(int number, std::unique_ptr<Engine> engine, RequestQueue& queue, Clock::duration watchdog, LaneLost lost,
       Observer& observer);
  ~Lane();

  const std::string& device() const { return worker_->device(); }
  const std::string& backend() const { return worker_->backend(); }

  /// How the engine's warm-up went; none: it has not ended by the deadline.
  std::optional<Status> wait_warm(Clock::time_point deadline) { return worker_->wait_warm(deadline); }
  /// Whether the thread has ended by the deadline, or was abandoned.
  bool wait_ended(Clock::time_point deadline) { return worker_->wait_ended(deadline); }

  /// The batch under way is the last.
  void stop() { worker_->stop(); }

  Clock::time_point overdue_at() const { return worker_->overdue_at(); }
  /// Where the batch under way is overdue: takes it away and leaves the thread to itself. Whether it was.
  bool abandon(Clock::time_point now, TakenBatch& taken);

 private:
  const std::shared_ptr<LaneWorker> worker_;
  std::thread thread_;
};

}  // namespace helix::server
