#pragma once

// States of hits and edges between the rounds of a graph network on the CPU.
#include "kernels/exatrkx/fused_rows.h"

namespace helix::exatrkx {

/// Rows in memory, with room for a whole block behind the last.
struct Rows {
  float* at = nullptr;
  Index width = 0;
  float* row(Index i) const { return at + static_cast<std::ptrdiff_t>(i) * width; }
};

/// throws OutOfArena
inline Rows make_rows(CpuExec& exec, Index n, Index width) {
  const std::size_t values = (static_cast<std::size_t>(n) + kBlockRows) * static_cast<std::size_t>(width);
  return {static_cast<float*>(exec.arena().take(sizeof(float) * values, "gnn")), width};
}

inline void copy_block(BlockRows from, Index count, const Rows& to, Index first) {
  for (Index r = 0; r < count; ++r) std::copy_n(from.at + r * from.stride, to.width, to.row(first + r));
}
inline void add_block(BlockRows from, Index count, const Rows& to, Index first) {
  for (Index r = 0; r < count; ++r)
    for (Index c = 0; c < to.width; ++c) to.row(first + r)[c] += from.at[r * from.stride + c];
}

/// Rows are read in no order: says early which come next.
inline void fetch(const Rows& rows, Span<const Index> index, std::size_t at) {
  constexpr Index kCacheLine = 16;
  if (at >= index.size()) return;
  const float* row = rows.row(index[at]);
  for (Index c = 0; c < rows.width; c += kCacheLine) __builtin_prefetch(row + c);
}

/// The sum of the rows that `of` names for `hit`, in their order.
inline void sum_rows(const Rows& rows, const Ragged& of, Index hit, float* out) {
  std::fill_n(out, rows.width, 0.f);
  for (Index k = of.rows.begin(hit); k < of.rows.end(hit); ++k) {
    const float* row = rows.row(of.values[static_cast<std::size_t>(k)]);
    fetch(rows, of.values, static_cast<std::size_t>(k) + kBlockRows);
    for (Index c = 0; c < rows.width; ++c) out[c] += row[c];
  }
}

/// encoder(cat(x[source], x[target], geometry of the edge)) into `out`
inline void encode_edges(CpuExec& exec, const Mlp& encoder, const HitRows& hits, const float* scales,
                         const EdgeList& edges, const Rows& out) {
  for_each_block(exec, edges.n(), [&](Index first, Index count) {
    BlockBuffers buffers;
    const BlockRows in = buffers.first(encoder);
    fill_edges(hits, scales, edges, first, count, in);
    copy_block(run_layers(encoder, 0, in, buffers.second(encoder)), count, out, first);
  });
}

}  // namespace helix::exatrkx
