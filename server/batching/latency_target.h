#pragma once

#include "server/batching/request_facts.h"

namespace helix::server {

/// Keeps the 99th percentile of the time from arrival to answer under a target by bounding what a batch may take:
/// additive increase, multiplicative decrease, once a window of answers. Only batches can be made shorter: where
/// requests are late because they queue for long, shorter batches would make it worse, and the bound grows.
class LatencyTarget {
 public:
  /// 0: no target.
  explicit LatencyTarget(Clock::duration target) : target_ms_(in_ms(target)), bound_ms_(target_ms_ / 2) {}

  /// An answer: time from arrival to now, and how long its batch ran.
  void observe(double total_ms, double batch_ms);

  /// What a batch may take in milliseconds; 0: no bound.
  double bound_ms() const { return bound_ms_; }

 private:
  static constexpr int kWindow = 200;  // answers: two above the target are 1 %

  double target_ms_, bound_ms_;
  int answers_ = 0, late_ = 0, late_by_queue_ = 0;
};

}  // namespace helix::server
