#include "test/twins/walk.h"

#include <algorithm>
#include <vector>

namespace helix::twins {

Labels walk(const Graph& graph, float cut, float join_cut, Index min_hits) {
  const float least = std::min(cut, join_cut);
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < graph.score.size(); ++k)
    if (graph.score[k] > least) order.push_back(k);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return graph.score[a] > graph.score[b]; });
  std::vector<bool> leaves(static_cast<std::size_t>(graph.events.back())), entered = leaves;
  Graph chains;
  chains.events = graph.events;
  for (const std::size_t k : order) {
    const auto from = static_cast<std::size_t>(graph.source[k]), to = static_cast<std::size_t>(graph.target[k]);
    if (leaves[from] || entered[to]) continue;
    leaves[from] = entered[to] = true;
    chains.source.push_back(graph.source[k]);
    chains.target.push_back(graph.target[k]);
    chains.score.push_back(graph.score[k]);
  }
  return components(chains, least, min_hits);
}

}  // namespace helix::twins
