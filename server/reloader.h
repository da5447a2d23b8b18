#pragma once

#include "kernels/core/status.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace helix::server {

/// Runs reloads on a thread of its own, one at a time. Those asked for while one runs become one that follows it.
class Reloader {
 public:
  /// The settings that could not change, or why nothing has changed.
  using Outcome = Result<std::vector<std::string>>;
  using Done = std::function<void(const Outcome&)>;
  using Work = std::function<Outcome(const std::stop_token& stop)>;

  explicit Reloader(Work work);
  /// Waits for one that runs.
  ~Reloader();

  /// `done` is called once, from this object's thread, or here where it is too late: unavailable.
  void reload(Done done);

  /// Refuses those that wait and those that come; one that runs is told to stop.
  void stop();

 private:
  void loop(const std::stop_token& stop);

  const Work work_;
  std::mutex mutex_;  // guards waiting_, stopped_
  std::condition_variable_any changed_;
  std::vector<Done> waiting_;
  bool stopped_ = false;
  std::jthread thread_;  // last: starts when all else is there
};

}  // namespace helix::server
