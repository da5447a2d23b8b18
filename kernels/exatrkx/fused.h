#pragma once

#include "kernels/exatrkx/mlp.h"
#include "kernels/exatrkx/networks.h"

#include <memory>
#include <optional>
#include <vector>

namespace helix::exatrkx {

// Networks of the forms that scripts/exatrkx/networks.py defines, by kernels of ours: what an edge needs goes from its
// hits' rows through all layers in one go, so that only answers are written to memory. Sums are made in the order of
// rows: the same bits for any batch and any number of threads.

/// net(cat(x[source], x[target], geometry of the edge))
struct FilterWeights {
  std::vector<float> scales;
  MlpWeights net;
};

/// Rounds of e += edge_net(h[source], h[target], e), h += node_net(h, sum of e at targets, sum of e at sources)
struct InteractionWeights {
  std::vector<float> scales;
  MlpWeights node_encoder, edge_encoder, classifier;
  std::vector<MlpWeights> edge_nets, node_nets;
};

/// linear(ReLU(norm(x)))
struct NormedWeights {
  std::vector<float> gain, shift;
  float epsilon = 0;
  LayerWeights linear;
};

/// hidden = fit(features) + before(e)[p] + after(e)[q] of pairs of edges; message(hidden) gated by
/// sigmoid(gate(hidden))
struct TripletRoundWeights {
  LayerWeights before, after, fit;
  NormedWeights message, gate;
  MlpWeights edge_net;
};

/// Rounds of e += edge_net(e, messages from behind, from ahead, sums of e at the same source, at the same target)
struct TripletWeights {
  std::vector<float> scales;
  MlpWeights edge_encoder, classifier;
  std::vector<TripletRoundWeights> rounds;
};

/// What is known of a model's networks; the others are run by somebody else.
struct KnownForms {
  std::optional<MlpWeights> embed;
  std::optional<FilterWeights> filter;
  std::optional<InteractionWeights> gnn;
  std::optional<TripletWeights> triplets;  // the graph network of this form
};

/// Networks on the CPU by our kernels where the form is known and its layers fit, else by `others`.
std::shared_ptr<const Networks> make_fused_networks(const KnownForms& forms, const Model& model,
                                                    std::shared_ptr<const Networks> others);

}  // namespace helix::exatrkx
