#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>

namespace helix::bench {

/// Doubles in [0, 1) that are the same for a seed with any compiler.
inline double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

/// Poisson arrivals: each comes after the one before by a time of exponential distribution.
class Arrivals {
 public:
  /// `rate` arrivals a second, > 0
  Arrivals(double rate, std::uint64_t seed) : rate_(rate), random_(seed) {}

  /// When the next one comes, counted from the beginning.
  std::chrono::nanoseconds next() {
    seconds_ -= std::log1p(-uniform(random_)) / rate_;
    return std::chrono::nanoseconds(std::llround(seconds_ * 1e9));
  }

 private:
  double rate_;
  std::mt19937_64 random_;
  double seconds_ = 0;
};

}  // namespace helix::bench
