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

/// Hits of tuples with those on overlapping modules.
struct TrackHits {
  Offsets rows;           // [tuples + 1]
  Span<const Index> hit;  // sorted hits, inner to outer
};

/// All maximal paths through compatible connections: from each connection that none precedes, outwards as far as the
/// curvatures agree. Rows are in the order of their first connection, then of the search.
Ntuplets find_ntuplets(Exec& exec, const Doublets& doublets, const Connections& connections,
                       const NtupletConfig& config);

/// Adds to each tuple the hits of the same particle on overlapping modules of its layers: those whose distance from
/// the tuple's circle and slope is the one of the hit they stand beside.
TrackHits attach_overlaps(Exec& exec, const SortedHits& hits, const Overlaps& overlaps, const Ntuplets& tuples,
                          const DetectorView& detector, const NtupletConfig& config);

}  // namespace helix::patatrack
