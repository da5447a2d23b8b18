#pragma once

#include "kernels/core/exec.h"
#include "kernels/exatrkx/components.h"
#include "kernels/exatrkx/networks.h"

namespace helix::exatrkx {

/// Tracks as chains of edges, instead of components: of two merged tracks each keeps its own hits.
///
/// Edges above the lower of the two cuts are taken by falling score (ties by their order) if their source goes on
/// nowhere yet and nothing has come to their target: each hit has one predecessor and one successor at most, and what
/// hangs together is a chain. A low walk_cut mends holes, as good edges have been taken before.
///
/// events   [events + 1] hits; n_hits of them
/// edges    directed from the inside out
/// logit    [edges]; cuts in logits
/// returns  labels per event, from 0 in the order of each chain's first hit; -1: shorter than min_hits
Components walk_tracks(Exec& exec, Offsets events, Index n_hits, const EdgeList& edges, Span<const float> logit,
                       float cut, float join_cut, Index min_hits);

}  // namespace helix::exatrkx
