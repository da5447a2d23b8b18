#pragma once

#include "kernels/core/exec.h"
#include "kernels/patatrack/config.h"
#include "kernels/patatrack/connect.h"

namespace helix::patatrack {

/// No path is longer than this: the search is bounded. More hits than any layer structure here gives.
inline constexpr Index kMaxPathHits = 16;

/// Chains of hits, one on each layer, inner to outer.
struct Ntuplets {
  Offsets rows;           // [tuples + 1]
  Span<const Index> hit;  // sorted hits

  HELIX_HD Index n() const { return rows.rows(); }
};

/// All maximal paths through compatible connections: from each connection that none precedes, outwards as far as the
/// curvatures agree. Rows are in the order of their first connection, then of the search.
Ntuplets find_ntuplets(Exec& exec, const SortedHits& hits, const Doublets& doublets, const Connections& connections,
                       const DetectorView& detector, const NtupletConfig& config);

}  // namespace helix::patatrack
