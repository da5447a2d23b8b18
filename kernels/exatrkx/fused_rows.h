#pragma once

// What the fused kernels on the CPU share: blocks of rows, and edges as inputs of a network.
#include "kernels/core/exec_cpu.h"
#include "kernels/core/tasks.h"
#include "kernels/exatrkx/edge_geometry.h"
#include "kernels/exatrkx/mlp.h"
#include "kernels/exatrkx/networks.h"

#include <algorithm>

namespace helix::exatrkx {

/// body(first, count) for blocks of kBlockRows rows; the last may have fewer.
template <class Body>
void for_each_block(CpuExec& exec, Index n, const Body& body) {
  constexpr Index kTask = 16 * kBlockRows;
  const auto run = [&](Index first, Index last) {
    for (; first < last; first += kBlockRows) body(first, std::min(kBlockRows, last - first));
  };
  if (exec.threads() == 1 || n <= kTask) return run(0, n);
  run_tasks((n + kTask - 1) / kTask, [&](Index t) { run(t * kTask, std::min(n, (t + 1) * kTask)); });
}

/// Memory of one block on its way through a network.
class BlockBuffers {
 public:
  BlockRows first(const Mlp& mlp) { return {a_, stride_of(mlp)}; }
  BlockRows second(const Mlp& mlp) { return {b_, stride_of(mlp)}; }

 private:
  /// Rows of whole lanes, but not a power of two apart: those would share a few places of the cache.
  static Index stride_of(const Mlp& mlp) {
    Index widest = mlp.inputs();
    for (Index k = 0; k < mlp.n_layers; ++k) widest = std::max(widest, mlp.layer[static_cast<std::size_t>(k)].width);
    return (widest + kLanes - 1) / kLanes * kLanes + kLanes;
  }
  alignas(64) float a_[kBlockRows * (kMaxInputs + 2 * kLanes)];
  alignas(64) float b_[kBlockRows * (kMaxInputs + 2 * kLanes)];
};

/// Rows of hits, of which a network sees the first columns.
struct HitRows {
  Span<const float> at;
  Index stride = 0, seen = 0;
  const float* row(Index hit) const { return at.begin() + static_cast<std::ptrdiff_t>(hit) * stride; }
};

/// cat(x[source], x[target], geometry) of `count` edges from `first` on; rows behind them repeat the last.
inline void fill_edges(const HitRows& hits, const float* scales, const EdgeList& edges, Index first, Index count,
                       BlockRows out) {
  const auto edge = [&](Index r) { return static_cast<std::size_t>(first + std::min(r, count - 1)); };
  for (Index r = 0; r < kBlockRows; ++r) {
    float* to = std::copy_n(hits.row(edges.source[edge(r)]), hits.seen, out.at + r * out.stride);
    std::copy_n(hits.row(edges.target[edge(r)]), hits.seen, to);
  }
  for (Index begin = 0; begin < kBlockRows; begin += kLanes) {
    const auto column = [&](Index c) {
      return make_lanes([&](int i) { return out.at[(begin + i) * out.stride + c]; });
    };
    const auto hit = [&](Index c) {
      return LaneHit{column(c) * scales[0], column(c + 1), column(c + 2), column(c + 3) * scales[3]};
    };
    Lanes geometry[kEdgeGeometry];
    describe_edges(hit(0), hit(hits.seen), geometry);
    for (Index i = 0; i < kLanes; ++i)
      for (Index c = 0; c < kEdgeGeometry; ++c) out.at[(begin + i) * out.stride + 2 * hits.seen + c] = geometry[c][i];
  }
}

}  // namespace helix::exatrkx
