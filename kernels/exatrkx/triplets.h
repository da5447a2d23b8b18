#pragma once

#include "kernels/exatrkx/state_rows.h"

namespace helix::exatrkx {

/// Pairs of edges p = (a, b), q = (b, c) that might be of one particle. All pairs of a hit b stand side by side, row by
/// row of their p: whoever owns a hit owns all that its pairs add to.
struct Triplets {
  Ragged coming;                    // edges by the hit that they end at
  Offsets rows;                     // [edges + 1] pairs of the edge that is the i-th of coming.values
  Span<const Index> before, after;  // [pairs] p, q
  Rows features;                    // [pairs, kTripletGeometry]

  /// The first pair of a hit, or of those behind it.
  Index first_of(Index hit) const { return rows.begin(coming.rows.begin(hit)); }
};

/// Finds the pairs that pass wide cuts on the fit of their three hits, which are those of the network itself.
///
/// edges    in the order of their sources; leaving: rows of them by source
/// throws   OutOfArena: there can be many more pairs than edges
Triplets find_triplets(CpuExec& exec, const HitRows& hits, const float* scales, const EdgeList& edges,
                       const Offsets& leaving);

}  // namespace helix::exatrkx
