#pragma once

#include "test/twins/components.h"

namespace helix::twins {

/// Chains of edges, one edge after the other: see kernels/exatrkx/walk.h.
Labels walk(const Graph& graph, float cut, float join_cut, Index min_hits);

}  // namespace helix::twins
