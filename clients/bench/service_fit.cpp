#include "clients/bench/service_fit.h"

#include <algorithm>

namespace helix::bench {
namespace {

constexpr double kLeastSpread = 0.1;  // of the sizes about their mean: below, noise would decide

}  // namespace

void ServiceFit::add(double hits, double ms, double weight) {
  if (weight <= 0) return;
  const double x = hits / 1000;
  weight_ += weight;
  const double dx = x - mean_x_;
  mean_x_ += dx * weight / weight_;
  mean_y_ += (ms - mean_y_) * weight / weight_;
  xx_ += weight * dx * (x - mean_x_);
  xy_ += weight * dx * (ms - mean_y_);
}

std::optional<ServiceCost> ServiceFit::cost() const {
  if (weight_ == 0) return std::nullopt;
  if (mean_x_ == 0) return ServiceCost{mean_y_, 0};
  const double through_zero = mean_y_ / mean_x_;
  const bool one_size = xx_ <= kLeastSpread * kLeastSpread * weight_ * mean_x_ * mean_x_;
  const double slope = one_size ? through_zero : std::clamp(xy_ / xx_, 0.0, through_zero);
  return ServiceCost{std::max(mean_y_ - slope * mean_x_, 0.0), slope};  // not -0
}

}  // namespace helix::bench
