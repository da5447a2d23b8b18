#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <utility>
#include <vector>

namespace helix::bench {

/// Things to do at their times, by whoever runs it. Thread-safe.
class Agenda {
 public:
  using Clock = std::chrono::steady_clock;

  void at(Clock::time_point time, std::function<void()> what) {
    const std::scoped_lock lock(mutex_);
    due_.push({time, number_++, std::move(what)});
    changed_.notify_one();
  }

  /// No more after what is being done.
  void end() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_one();
  }

  /// Does each thing at its time, in order, until the end.
  void run() {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      if (due_.empty()) {
        changed_.wait(lock);
      } else if (const Clock::time_point next = due_.top().time; next > Clock::now()) {
        changed_.wait_until(lock, next);  // by a copy: what is put meanwhile moves the top
      } else {
        const std::function<void()> what = due_.top().what;
        due_.pop();
        lock.unlock();
        what();
        lock.lock();
      }
    }
  }

 private:
  struct Due {
    Clock::time_point time;
    std::uint64_t number;  // those of one time: in the order they came
    std::function<void()> what;
    bool operator<(const Due& other) const {
      return time != other.time ? time > other.time : number > other.number;  // the top is the soonest
    }
  };
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::priority_queue<Due> due_;
  std::uint64_t number_ = 0;
  bool ended_ = false;
};

}  // namespace helix::bench
