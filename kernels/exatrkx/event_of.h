#pragma once

#include "kernels/core/hd.h"
#include "kernels/core/ragged.h"

namespace helix::exatrkx {

/// The last event that begins at or before `point`: the one that holds it.
HELIX_HD Index event_of(const Offsets& events, Index point) {
  Index low = 0, high = events.rows();
  while (high - low > 1) {
    const Index middle = (low + high) / 2;
    (events.begin(middle) <= point ? low : high) = middle;
  }
  return low;
}

}  // namespace helix::exatrkx
