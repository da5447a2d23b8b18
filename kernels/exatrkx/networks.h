#pragma once

#include "kernels/core/ragged.h"
#include "kernels/core/status.h"
#include "kernels/exatrkx/model.h"

#include <cstddef>
#include <memory>

namespace helix::exatrkx {

/// Directed edges of a graph: hit indices, all events of a batch end to end.
struct EdgeList {
  Span<const Index> source, target;
  Index n() const { return static_cast<Index>(source.size()); }
};

/// Bytes that a network takes at its peak, as measured when it was loaded: for each hit and each edge.
struct NetworkCost {
  double per_hit = 0, per_edge = 0;
  std::size_t bytes(Index hits, Index edges) const {
    return static_cast<std::size_t>(per_hit * static_cast<double>(hits) + per_edge * static_cast<double>(edges));
  }
};

/// The three networks of a model, in host memory, shared by all lanes. Thread-safe. Weights are read once.
///
/// features  [hits * Model::features], row by row, scaled
/// errors    of all calls: internal, with the network's file and what it said
class Networks {
 public:
  virtual ~Networks() = default;

  /// [hits * Model::dimensions] into `out`
  virtual Status embed(Span<const float> features, Span<float> out, int threads) const = 0;
  /// Logits [edges] into `out`: is this a pair of neighbouring hits of one particle?
  virtual Status filter(Span<const float> features, const EdgeList& edges, Span<float> out, int threads) const = 0;
  virtual Status classify(Span<const float> features, const EdgeList& edges, Span<float> out, int threads) const = 0;

  virtual NetworkCost embed_cost() const = 0;
  virtual NetworkCost filter_cost() const = 0;
  virtual NetworkCost gnn_cost() const = 0;
};

/// Opens the networks and runs a small event through each: files that are no TorchScript, that take or give other
/// shapes than the model says, or that call operators which are not there, are errors here and not later.
/// errors: invalid_argument that names the file and what is wrong; unavailable where built without LibTorch
Result<std::shared_ptr<const Networks>> load_networks(const Model& model);

/// Whether this program was built with LibTorch.
bool has_networks();

}  // namespace helix::exatrkx
