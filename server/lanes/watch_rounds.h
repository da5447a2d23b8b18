#pragma once

#include "server/batching/request_facts.h"

#include <algorithm>

namespace helix::server {

/// When the watchdog looks at the lanes. After a stop of the whole process (SIGSTOP, a paused VM) healthy lanes look as
/// if they hung; but the watchdog, too, wakes later than it asked for then, and lets them go on for once the time that
/// it allows a batch.
class WatchRounds {
 public:
  WatchRounds(Clock::duration watchdog, Clock::time_point now) : watchdog_(watchdog), next_(now) {}

  /// The watchdog woke. Whether lanes may be judged by the clock.
  bool begin(Clock::time_point now) {
    if (now - next_ > watchdog_ / 4) fair_from_ = now + watchdog_;
    next_ = now + watchdog_ / 4;
    return now >= fair_from_;
  }
  /// The next round is not after this.
  void come_by(Clock::time_point time) { next_ = std::min(next_, time); }
  Clock::time_point next() const { return next_; }

 private:
  const Clock::duration watchdog_;
  Clock::time_point next_, fair_from_ = Clock::time_point::min();
};

}  // namespace helix::server
