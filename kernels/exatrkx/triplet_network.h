#pragma once

#include "kernels/exatrkx/fused_rows.h"
#include "kernels/exatrkx/triplet_weights.h"

namespace helix::exatrkx {

/// Logits of edges. Rows of hits, edges and pairs of edges are in the exec's arena. throws OutOfArena
void classify_edges(CpuExec& exec, const TripletNetwork& network, const HitRows& hits, Index n_hits,
                    const EdgeList& edges, Span<float> logit);

}  // namespace helix::exatrkx
