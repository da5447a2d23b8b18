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

/// What is known of a model's networks; the others are run by somebody else.
struct KnownForms {
  std::optional<MlpWeights> embed;
  std::optional<FilterWeights> filter;
  std::optional<InteractionWeights> gnn;
};

/// Networks on the CPU by our kernels where the form is known and its layers fit, else by `others`.
std::shared_ptr<const Networks> make_fused_networks(const KnownForms& forms, const Model& model,
                                                    std::shared_ptr<const Networks> others);

}  // namespace helix::exatrkx
