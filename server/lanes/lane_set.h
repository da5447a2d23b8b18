#pragma once

#include "server/lanes/lane.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace helix::server {

/// All lanes of a pipeline, at least one.
class LaneSet {
 public:
  /// `all_lost` is called, from a lane's thread, when the last device is gone; the queue is closed by then.
  LaneSet(std::vector<std::unique_ptr<Engine>> engines, RequestQueue& queue, BatchBudget budget,
          std::function<void()> all_lost);

  const std::string& backend() const { return lanes_.front()->backend(); }
  std::vector<std::string> devices() const;
  /// Lanes whose device is not lost.
  std::size_t in_service() const { return in_service_; }
  bool wait_warm(Clock::time_point deadline) const;
  bool wait_ended(Clock::time_point deadline);

 private:
  void lost(int number, const Status& status);

  RequestQueue& queue_;
  const std::function<void()> all_lost_;
  std::atomic<std::size_t> in_service_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace helix::server
