#pragma once

#include "kernels/exatrkx/neighbours.h"

#include <utility>
#include <vector>

namespace helix::twins {

struct PointSet {
  Index dimensions = 2;
  std::vector<float> at;  // [points * dimensions]
  std::vector<Index> events{0};
};

/// All pairs of each event.
std::vector<std::pair<Index, Index>> neighbours(const PointSet& points, const exatrkx::GraphConfig& config);

}  // namespace helix::twins
