#include "test/twins/ntuplets.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace helix::twins {
namespace {

class Search {
 public:
  Search(const std::vector<Edge>& edges, const patatrack::NtupletConfig& config) : config_(config) {
    for (const Edge& edge : edges) from_.insert({edge.inner, &edge}), into_.insert({edge.outer, &edge});
  }

  std::vector<std::vector<Index>> run(const std::vector<Edge>& edges) {
    for (const Edge& edge : edges) {
      const auto [first, last] = into_.equal_range(edge.inner);
      const bool preceded = std::any_of(first, last, [&](const auto& row) { return agree(*row.second, edge); });
      if (!preceded) extend(edge, {edge.hits[0], edge.hits[1], edge.hits[2]});
    }
    std::sort(paths_.begin(), paths_.end());
    return paths_;
  }

 private:
  // single precision: the cut itself is not what is tested
  bool agree(const Edge& a, const Edge& b) const {
    const float larger = std::max(std::fabs(a.curvature), std::fabs(b.curvature));
    return std::fabs(a.curvature - b.curvature) <= config_.curvature_absolute + config_.curvature_relative * larger;
  }

  void extend(const Edge& last_edge, const std::vector<Index>& path) {
    bool maximal = true;
    const auto [first, last] = from_.equal_range(last_edge.outer);
    for (auto it = first; it != last; ++it) {
      if (!agree(last_edge, *it->second)) continue;
      maximal = false;
      std::vector<Index> longer = path;
      longer.push_back(it->second->hits[2]);
      extend(*it->second, longer);
    }
    const bool long_enough = path.size() >= (config_.triplets ? 3u : 4u);
    if (maximal && long_enough && (path.size() > 3 || last_edge.alone)) paths_.push_back(path);
  }

  patatrack::NtupletConfig config_;
  std::multimap<Index, const Edge*> from_, into_;
  std::vector<std::vector<Index>> paths_;
};

}  // namespace

std::vector<std::vector<Index>> all_paths(const std::vector<Edge>& edges, const patatrack::NtupletConfig& config) {
  return Search(edges, config).run(edges);
}

}  // namespace helix::twins
