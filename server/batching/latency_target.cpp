#include "server/batching/latency_target.h"

#include <algorithm>

namespace helix::server {

void LatencyTarget::observe(double total_ms, double batch_ms) {
  if (target_ms_ <= 0) return;
  ++answers_;
  if (total_ms > target_ms_) {
    ++late_;
    if (total_ms > 3 * batch_ms) ++late_by_queue_;
  }
  if (answers_ < kWindow) return;
  const bool too_long = late_ > kWindow / 100 && late_by_queue_ <= late_ / 2;
  bound_ms_ = too_long ? bound_ms_ * 0.8 : bound_ms_ + target_ms_ / 50;
  bound_ms_ = std::clamp(bound_ms_, target_ms_ / 100, target_ms_);
  answers_ = late_ = late_by_queue_ = 0;
}

}  // namespace helix::server
