#include "test/twins/neighbours.h"

#include <algorithm>

namespace helix::twins {
namespace {

float distance2(const PointSet& points, Index a, Index b) {
  float sum = 0;
  for (Index d = 0; d < points.dimensions; ++d) {
    const float difference = points.at[static_cast<std::size_t>(a * points.dimensions + d)] -
                             points.at[static_cast<std::size_t>(b * points.dimensions + d)];
    sum += difference * difference;
  }
  return sum;
}

/// The points of an event that point i keeps, nearest first.
std::vector<Index> kept(const PointSet& points, Index first, Index last, Index i, const exatrkx::GraphConfig& config) {
  std::vector<std::pair<float, Index>> near;
  for (Index j = first; j < last; ++j)
    if (j != i && distance2(points, i, j) <= config.radius * config.radius)
      near.emplace_back(distance2(points, i, j), j);
  std::sort(near.begin(), near.end());
  near.resize(std::min(near.size(), static_cast<std::size_t>(config.max_neighbours - 1)));
  std::vector<Index> out;
  for (const auto& [distance, j] : near) out.push_back(j);
  return out;
}

}  // namespace

std::vector<std::pair<Index, Index>> neighbours(const PointSet& points, const exatrkx::GraphConfig& config) {
  std::vector<std::pair<Index, Index>> edges;
  for (std::size_t e = 0; e + 1 < points.events.size(); ++e)
    for (Index i = points.events[e]; i < points.events[e + 1]; ++i)
      for (const Index j : kept(points, points.events[e], points.events[e + 1], i, config))
        if (j < i) {
          if (config.order == exatrkx::EdgeOrder::larger_first)
            edges.emplace_back(i, j);
          else
            edges.emplace_back(j, i);
        }
  std::sort(edges.begin(), edges.end());
  return edges;
}

}  // namespace helix::twins
