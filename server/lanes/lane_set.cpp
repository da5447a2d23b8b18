#include "server/lanes/lane_set.h"

#include "server/lanes/watch_rounds.h"
#include "server/observe/log.h"

#include <pthread.h>

#include <algorithm>
#include <exception>

namespace helix::server {

LaneSet::LaneSet(std::vector<std::unique_ptr<Engine>> engines, RequestQueue& queue, Clock::duration watchdog,
                 std::function<void()> all_lost, Observer& observer)
    : queue_(queue), watchdog_(watchdog), all_lost_(std::move(all_lost)), in_service_(engines.size(), true) {
  queue_.set_lanes(static_cast<int>(engines.size()));
  const std::scoped_lock lock(mutex_);
  for (auto& engine : engines) {
    const std::size_t number = lanes_.size();
    lanes_.push_back(std::make_unique<Lane>(
        static_cast<int>(number), std::move(engine), queue, watchdog,
        [this, number](const Status& why, TakenBatch taken) { lost(number, why, std::move(taken)); }, observer));
  }
  if (watchdog_ > Clock::duration::zero())
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

// No lane is abandoned while lanes end: one that hangs then is waited for, by whoever set a time for that.
LaneSet::~LaneSet() {
  watcher_ = {};
  for (const auto& lane : lanes_) lane->stop();
}

std::vector<std::string> LaneSet::devices() const {
  std::vector<std::string> devices;
  for (const auto& lane : lanes_) devices.push_back(lane->device());
  return devices;
}

std::optional<Status> LaneSet::wait_warm(Clock::time_point deadline) const {
  Status all;
  for (const auto& lane : lanes_) {
    const std::optional<Status> warm = lane->wait_warm(deadline);
    if (!warm) return std::nullopt;
    if (all.ok()) all = *warm;
  }
  return all;
}

bool LaneSet::wait_ended(Clock::time_point deadline) {
  bool ended = true;
  for (const auto& lane : lanes_) ended = lane->wait_ended(deadline) && ended;
  return ended;
}

std::size_t LaneSet::in_service() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(std::count(in_service_.begin(), in_service_.end(), true));
}

/// Takes a lane out of service, and with it those on the same CUDA device. Returns how many are left.
std::size_t LaneSet::leave(std::size_t number) {
  const std::scoped_lock lock(mutex_);
  const Lane& gone = *lanes_[number];
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const bool same_device = gone.backend() == "cuda" && lanes_[i]->device() == gone.device();
    if (i != number && !same_device) continue;
    in_service_[i] = false;
    lanes_[i]->stop();
  }
  const auto left = static_cast<std::size_t>(std::count(in_service_.begin(), in_service_.end(), true));
  queue_.set_lanes(static_cast<int>(left));
  return left;
}

void LaneSet::lost(std::size_t number, const Status& why, TakenBatch taken) {
  log::error("device.lost", {{"lane", number}, {"requests", taken.requests.size()}, {"error", why.message()}});
  const std::size_t left = leave(number);
  queue_.over(taken.run);
  if (left > 0) return queue_.give_back(std::move(taken.requests), why);
  queue_.refuse_waiting(unavailable("no device is left: " + why.message()));
  for (auto& request : taken.requests) request->refuse(why);
  all_lost_();
}

/// A batch that starts later is overdue after `watchdog` at the earliest, so no round misses one.
void LaneSet::watch(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "watchdog");
  WatchRounds rounds(watchdog_, Clock::now());
  while (!stop.stop_requested()) {
    const Clock::time_point now = Clock::now();
    try {
      if (rounds.begin(now)) rounds.come_by(abandon_overdue(now));
    } catch (const std::exception& error) {
      log::error("watchdog.failed", {{"error", error.what()}});
    }
    std::mutex mutex;
    std::unique_lock lock(mutex);
    never_.wait_until(lock, stop, rounds.next(), [] { return false; });
  }
}

/// Returns when the next one would be overdue. By the time at which the round began: a stop within it counts for no
/// one.
Clock::time_point LaneSet::abandon_overdue(Clock::time_point now) {
  Clock::time_point next = Clock::time_point::max();
  for (std::size_t number = 0; number < lanes_.size(); ++number) {
    TakenBatch taken;
    if (lanes_[number]->abandon(now, taken)) {
      lost(number, unavailable("lane " + std::to_string(number) + " hangs in its device"), std::move(taken));
    } else {
      next = std::min(next, lanes_[number]->overdue_at());
    }
  }
  return next;
}

}  // namespace helix::server
