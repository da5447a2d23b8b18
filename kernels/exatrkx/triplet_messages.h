#pragma once

#include "kernels/exatrkx/triplet_weights.h"
#include "kernels/exatrkx/triplets.h"

namespace helix::exatrkx {

/// Rows of edges in one round.
struct TripletRows {
  Rows before, after;  // [edges, width] what an edge brings into hidden
  Rows behind, ahead;  // [edges, width + kLanes] sums of gated messages; in column `width` the sum of gates
};

/// Adds the messages of pairs first .. last, in this order, to the sums of their edges: to `behind` of the later one
/// and to `ahead` of the earlier one.
void send_messages(const TripletRound& round, const Triplets& triplets, Index first, Index last,
                   const TripletRows& rows);

}  // namespace helix::exatrkx
