#include "server/lanes/lane_set.h"

#include "server/observe/log.h"

#include <algorithm>

namespace helix::server {

LaneSet::LaneSet(std::vector<std::unique_ptr<Engine>> engines, RequestQueue& queue, BatchBudget budget,
                 std::function<void()> all_lost, Observer& observer)
    : queue_(queue), all_lost_(std::move(all_lost)), in_service_(engines.size()) {
  for (auto& engine : engines) {
    const int number = static_cast<int>(lanes_.size());
    lanes_.push_back(std::make_unique<Lane>(
        number, std::move(engine), queue, budget, [this, number](const Status& status) { lost(number, status); },
        observer));
  }
}

std::vector<std::string> LaneSet::devices() const {
  std::vector<std::string> devices;
  for (const auto& lane : lanes_) devices.push_back(lane->device());
  return devices;
}

bool LaneSet::wait_warm(Clock::time_point deadline) const {
  return std::all_of(lanes_.begin(), lanes_.end(), [&](const auto& lane) { return lane->wait_warm(deadline); });
}

bool LaneSet::wait_ended(Clock::time_point deadline) {
  bool ended = true;
  for (const auto& lane : lanes_) ended = lane->wait_ended(deadline) && ended;
  return ended;
}

void LaneSet::lost(int number, const Status& status) {
  log::error("device.lost", {{"lane", number}, {"error", status.message()}});
  if (--in_service_ > 0) return;
  queue_.refuse_waiting(unavailable("no device is left: " + status.message()));
  all_lost_();
}

}  // namespace helix::server
