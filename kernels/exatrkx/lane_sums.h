#pragma once

#include "kernels/core/lanes.h"

// Sums over the lanes of a vector, in one order, whatever the compiler: of one vector, or of eight side by side.
namespace helix::exatrkx {

inline float sum_of(Lanes x) { return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7])); }

/// sum_of(x[i]) in lane i, the same bits: halves are added, then halves of halves, of two vectors at a time.
inline Lanes sums_of(const Lanes (&x)[kLanes]) {
  const auto eighths = [](Lanes a, Lanes b) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  };
  const auto quarters = [](Lanes a, Lanes b) {
    return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
           __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  };
  const Lanes low = quarters(eighths(x[0], x[4]), eighths(x[1], x[5]));
  const Lanes high = quarters(eighths(x[2], x[6]), eighths(x[3], x[7]));
  return __builtin_shufflevector(low, high, 0, 2, 8, 10, 4, 6, 12, 14) +
         __builtin_shufflevector(low, high, 1, 3, 9, 11, 5, 7, 13, 15);
}

}  // namespace helix::exatrkx
