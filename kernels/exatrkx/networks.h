#pragma once

#include "kernels/core/ragged.h"
#include "kernels/core/status.h"
#include "kernels/exatrkx/model.h"

#include <cstddef>
#include <memory>

namespace helix {
class CpuExec;
class CudaExec;
}  // namespace helix

namespace helix::exatrkx {

/// Directed edges of a graph: hit indices, all events of a batch end to end.
struct EdgeList {
  Span<const Index> source, target;
  HELIX_HD Index n() const { return static_cast<Index>(source.size()); }
};

/// Bytes that a network takes at its peak beside the arena, as measured when it was loaded: for each hit and each edge.
struct NetworkCost {
  double per_hit = 0, per_edge = 0;
  std::size_t bytes(Index hits, Index edges) const {
    return static_cast<std::size_t>(per_hit * static_cast<double>(hits) + per_edge * static_cast<double>(edges));
  }
};

/// The three networks of a model on one device, shared by all of its lanes. Thread-safe. Weights are read once.
///
/// exec      whose threads or stream they run on, and whose memory all spans are in
/// features  [hits * Model::features], row by row, scaled
/// errors    of all calls: internal, with the network's file and what it said; resource_exhausted
template <class Exec>
class NetworksOn {
 public:
  virtual ~NetworksOn() = default;

  /// [hits * Model::dimensions] into `out`
  virtual Status embed(Exec& exec, Span<const float> features, Span<float> out) const = 0;
  /// Logits [edges] into `out`: is this a pair of neighbouring hits of one particle?
  virtual Status filter(Exec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const = 0;
  virtual Status classify(Exec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const = 0;

  /// Edges that the filter is best given at once; what it answers does not depend on it.
  virtual Index filter_chunk() const = 0;
  virtual NetworkCost embed_cost() const = 0;
  virtual NetworkCost filter_cost() const = 0;
  virtual NetworkCost gnn_cost() const = 0;
};

using Networks = NetworksOn<CpuExec>;
using CudaNetworks = NetworksOn<CudaExec>;

/// Numbers that the networks compute with; what goes in and comes out is always fp32.
enum class Precision { fp32, fp16, bf16 };

inline const char* const* setting_names(Precision) {
  static constexpr const char* kNames[] = {"fp32", "fp16", "bf16", nullptr};
  return kNames;
}

struct NetworkOptions {
  Precision precision = Precision::fp32;
  bool fused = true;  // our own kernels on the CPU, for fp32 networks of a form that they know
};

/// Opens the networks and runs a small event through each: files that are no TorchScript, that take or give other
/// shapes than the model says, or that call operators which are not there, are errors here and not later.
/// errors: invalid_argument that names the file and what is wrong; unavailable where built without LibTorch
Result<std::shared_ptr<const Networks>> load_networks(const Model& model, const NetworkOptions& options = {});

/// The same on a CUDA device.
///
/// budget  bytes that LibTorch may hold on this device, weights and what it keeps for later included
/// errors: also unavailable where built without CUDA, or LibTorch without
Result<std::shared_ptr<const CudaNetworks>> load_cuda_networks(const Model& model, const NetworkOptions& options,
                                                               int device, std::size_t budget);

/// Whether this program was built with LibTorch, and with its CUDA half. The second, as all of the above, loads it.
bool has_networks();
bool has_cuda_networks();

}  // namespace helix::exatrkx
