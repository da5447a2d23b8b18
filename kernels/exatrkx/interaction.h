#pragma once

#include "kernels/core/exec_cpu.h"
#include "kernels/exatrkx/fused.h"
#include "kernels/exatrkx/fused_rows.h"

namespace helix::exatrkx {

/// An interaction network whose weights are in place.
struct Interaction {
  const float* scales = nullptr;
  Mlp node_encoder, edge_encoder, classifier;
  std::vector<Mlp> edge_nets, node_nets;

  Index width() const { return node_encoder.outputs(); }
};

/// Whether all parts fit each other; features: those that the network sees of a hit.
bool fits(const InteractionWeights& weights, Index features);
Interaction place(const InteractionWeights& weights, Arena& arena);

/// Logits of edges. Rows of hits and edges are in the exec's arena. throws OutOfArena
void classify_edges(CpuExec& exec, const Interaction& network, const HitRows& hits, Index n_hits, const EdgeList& edges,
                    Span<float> logit);

}  // namespace helix::exatrkx
