#include "test/twins/components.h"

#include <map>
#include <numeric>

namespace helix::twins {

Labels components(const Graph& graph, float cut, Index min_hits) {
  std::vector<std::size_t> up(static_cast<std::size_t>(graph.events.back()));
  std::iota(up.begin(), up.end(), std::size_t{0});
  const auto root = [&](std::size_t i) {
    while (up[i] != i) i = up[i];
    return i;
  };
  for (std::size_t k = 0; k < graph.score.size(); ++k)
    if (graph.score[k] > cut)
      up[root(static_cast<std::size_t>(graph.source[k]))] = root(static_cast<std::size_t>(graph.target[k]));
  std::vector<Index> size(up.size());
  for (std::size_t i = 0; i < up.size(); ++i) ++size[root(i)];

  Labels out;
  for (std::size_t e = 0; e + 1 < graph.events.size(); ++e) {
    std::map<std::size_t, Index> number;
    for (auto i = static_cast<std::size_t>(graph.events[e]); i < static_cast<std::size_t>(graph.events[e + 1]); ++i)
      out.label.push_back(
          size[root(i)] < min_hits ? -1 : number.emplace(root(i), static_cast<Index>(number.size())).first->second);
    out.n_components.push_back(static_cast<Index>(number.size()));
  }
  return out;
}

}  // namespace helix::twins
