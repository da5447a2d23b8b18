#include "kernels/exatrkx/walk.h"

#include "kernels/core/parallel_cpu.h"
#include "kernels/exatrkx/components.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace helix::exatrkx {

Span<const Index> walk_tracks(CpuExec& exec, const HitBatch& batch, const EdgeList& edges, Span<const float> logit,
                              float cut, float join_cut, Index min_hits) {
  // one rule for both: by falling score all edges above cut come before those that join
  const float least = std::min(cut, join_cut);
  std::vector<Index> order;
  for (Index k = 0; k < edges.n(); ++k)
    if (logit[k] > least) order.push_back(k);
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return logit[a] > logit[b]; });
  auto leaves = exec.scratch<std::uint8_t>(batch.n_hits()), entered = exec.scratch<std::uint8_t>(batch.n_hits());
  fill(exec, leaves, std::uint8_t{0});
  fill(exec, entered, std::uint8_t{0});
  const auto n = static_cast<Index>(order.size());
  auto source = exec.scratch<Index>(n), target = exec.scratch<Index>(n);
  auto score = exec.scratch<float>(n);
  Index taken = 0;
  for (const Index k : order) {
    const auto from = static_cast<std::size_t>(edges.source[k]), to = static_cast<std::size_t>(edges.target[k]);
    if (leaves[from] != 0 || entered[to] != 0) continue;
    leaves[from] = entered[to] = 1;
    source[taken] = edges.source[k];
    target[taken] = edges.target[k];
    score[taken++] = logit[k];
  }
  const auto n_taken = static_cast<std::size_t>(taken);
  return find_components(exec, batch.events, source.subspan(0, n_taken), target.subspan(0, n_taken),
                         score.subspan(0, n_taken), least, min_hits)
      .label;
}

}  // namespace helix::exatrkx
