#pragma once

#include "kernels/core/ragged.h"
#include "kernels/patatrack/config.h"

#include <vector>

namespace helix::twins {

/// A connection of two doublets, which are named by their rows.
struct Edge {
  Index inner, outer;  // doublets
  Index hits[3];       // inner to outer
  float curvature;     // 1/mm
  bool alone = true;   // may be a path of its own
};

/// The hits of all maximal paths, by plain recursion, in rising order.
std::vector<std::vector<Index>> all_paths(const std::vector<Edge>& edges, const patatrack::NtupletConfig& config);

}  // namespace helix::twins
