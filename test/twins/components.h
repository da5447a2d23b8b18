#pragma once

#include "kernels/core/ragged.h"

#include <vector>

namespace helix::twins {

struct Graph {
  std::vector<Index> events{0}, source, target;
  std::vector<float> score;
};

struct Labels {
  std::vector<Index> label, n_components;
};

/// One edge after the other, one point after the other.
Labels components(const Graph& graph, float cut, Index min_hits);

}  // namespace helix::twins
