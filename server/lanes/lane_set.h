#pragma once

#include "server/lanes/lane.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace helix::server {

/// All lanes of a pipeline, at least one, and the watchdog that takes those that hang out of service.
class LaneSet {
 public:
  /// `watchdog`: a batch may take so long, or 20 times what is predicted where that is more; 0: for ever. `all_lost` is
  /// called when the last device is gone; the queue is closed by then.
  LaneSet(std::vector<std::unique_ptr<Engine>> engines, RequestQueue& queue, Clock::duration watchdog,
          std::function<void()> all_lost, Observer& observer = no_observer());
  ~LaneSet();

  const std::string& backend() const { return lanes_.front()->backend(); }
  std::vector<std::string> devices() const;
  /// Lanes whose device is neither lost nor hangs.
  std::size_t in_service() const;
  /// Waits until all warm-ups have ended. How the first that failed did, or ok; none: one has not ended by the
  /// deadline.
  std::optional<Status> wait_warm(Clock::time_point deadline) const;
  bool wait_ended(Clock::time_point deadline);

 private:
  void lost(std::size_t number, const Status& why, TakenBatch taken);
  std::size_t leave(std::size_t number);
  void watch(const std::stop_token& stop);
  Clock::time_point abandon_overdue(Clock::time_point now);

  RequestQueue& queue_;
  const Clock::duration watchdog_;
  const std::function<void()> all_lost_;

  mutable std::mutex mutex_;  // guards in_service_ and what the queue knows of it; held while lanes_ is filled
  std::vector<bool> in_service_;
  std::condition_variable_any never_;

  std::vector<std::unique_ptr<Lane>> lanes_;  // ended before what they call goes
  std::jthread watcher_;                      // last: stopped before any lane goes
};

}  // namespace helix::server
