// The radius graph against all pairs. One text for both backends.
#include "kernels/exatrkx/neighbours.h"

#include "test/support/test_device.h"
#include "test/twins/neighbours.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <random>

namespace helix::exatrkx {
namespace {

using test::TestDevice;
using twins::PointSet;
using Pairs = std::vector<std::pair<Index, Index>>;

Pairs find(const PointSet& points, const GraphConfig& config, int threads = 1) {
  TestDevice device(threads);
  const Points in{device.upload(points.at), points.dimensions, {device.upload(points.events)}};
  const Edges edges = find_neighbours(device.exec(), in, config);
  const auto source = device.download(edges.source), target = device.download(edges.target);
  Pairs pairs;
  for (std::size_t k = 0; k < source.size(); ++k) pairs.emplace_back(source[k], target[k]);
  return pairs;
}

void end_event(PointSet& points) { points.events.push_back(static_cast<Index>(points.at.size()) / points.dimensions); }

/// Clusters of 5 to 15 points within a cube; a few points twice.
void add_clusters(PointSet& points, Index n, float side, float width, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-side, side);
  std::normal_distribution<float> gauss(0.f, width);
  const auto dimensions = static_cast<std::size_t>(points.dimensions);
  std::vector<float> centre(dimensions);
  for (Index i = 0; i < n;) {
    for (float& c : centre) c = uniform(random);
    for (auto left = 5 + random() % 11; left > 0 && i < n; --left, ++i)
      for (const float c : centre) points.at.push_back(c + gauss(random));
  }
  const auto last = points.at.size() - dimensions;
  for (Index copy = 0; copy < n / 10; ++copy) {
    const auto from = last - dimensions * (random() % static_cast<unsigned>(n));
    const auto to = last - dimensions * (random() % static_cast<unsigned>(n));
    std::copy_n(points.at.begin() + static_cast<std::ptrdiff_t>(from), dimensions,
                points.at.begin() + static_cast<std::ptrdiff_t>(to));
  }
}

/// Around a leaf (8) and the widths of the levels above (64, 512), and none.
PointSet mixed_batch(Index dimensions, float side, unsigned seed) {
  PointSet points{dimensions, {}, {0}};
  for (const Index n : {0, 1, 8, 0, 9, 7, 64, 65, 63, 0, 700, 2, 511, 513, 0}) {
    if (n > 0) add_clusters(points, n, side, 0.2f, seed + static_cast<unsigned>(n));
    end_event(points);
  }
  return points;
}

const auto kOrders = {EdgeOrder::larger_first, EdgeOrder::smaller_first};

TEST_CASE("neighbours are those of all pairs for each number of dimensions") {
  const Index dimensions = GENERATE(range(2, 17));
  const Index most = GENERATE(1, 2, 5, 500);
  const auto order = GENERATE(values(kOrders));
  CAPTURE(dimensions, most, order);
  const PointSet points = mixed_batch(dimensions, 2.f, 1);
  const GraphConfig config{1.f, most, order};
  CHECK(find(points, config) == twins::neighbours(points, config));
}

TEST_CASE("neighbours of points that are spread, near and everywhere") {
  const float side = GENERATE(0.f, 0.3f, 1.f, 10.f, 1000.f);
  const Index most = GENERATE(2, 20, 100'000);
  const auto order = GENERATE(values(kOrders));
  const unsigned seed = GENERATE(1u, 2u);
  CAPTURE(side, most, order, seed);
  const PointSet points = mixed_batch(3, side, seed);
  const GraphConfig config{0.5f, most, order};
  const Pairs pairs = find(points, config);
  CHECK(pairs == twins::neighbours(points, config));
  CHECK(std::is_sorted(pairs.begin(), pairs.end()));
}

TEST_CASE("neighbours of equal points are those of smaller index") {
  const Index n = GENERATE(1, 2, 8, 9, 100, 600);
  const Index most = GENERATE(1, 2, 5, 500);
  const auto order = GENERATE(values(kOrders));
  CAPTURE(n, most, order);
  PointSet points{8, std::vector<float>(static_cast<std::size_t>(8 * n), 0.7f), {0}};
  end_event(points);
  const GraphConfig config{1e-6f, most, order};
  CHECK(find(points, config) == twins::neighbours(points, config));
}

TEST_CASE("neighbours of very many equal points are found without all of their pairs") {
  constexpr Index kPoints = 16'000, kMost = 6;  // 2.6e8 pairs
  PointSet points{3, std::vector<float>(std::size_t{3} * kPoints, 0.7f), {0}};
  end_event(points);
  Pairs expected;
  for (Index i = 0; i < kPoints; ++i)
    for (Index j = 0; j < std::min(i, kMost - 1); ++j) expected.emplace_back(i, j);
  CHECK(find(points, {1.f, kMost, EdgeOrder::larger_first}) == expected);
}

TEST_CASE("neighbours on a line, each as far as the radius or just further") {
  const float radius = GENERATE(0.99999f, 1.f, 2.f, 7.5f);
  const Index most = GENERATE(2, 3, 4, 500);
  const auto order = GENERATE(values(kOrders));
  CAPTURE(radius, most, order);
  PointSet points{4, {}, {0}};
  for (const int i : {7, 3, 1, 0, 2, 11, 5, 6, 8, 9, 4, 10, 13, 12})
    points.at.insert(points.at.end(), {0.f, static_cast<float>(i), 0.f, 0.f});
  end_event(points);
  const GraphConfig config{radius, most, order};
  CHECK(find(points, config) == twins::neighbours(points, config));
}

TEST_CASE("neighbours far from the origin, where coordinates are coarse") {
  const float radius = GENERATE(1e-6f, 0.05f, 0.5f, 1e5f);
  CAPTURE(radius);
  PointSet points = mixed_batch(5, 1.f, 3);
  for (float& x : points.at) x += 1e6f;
  add_clusters(points, 100, 2e6f, 0.1f, 4);  // and an event that reaches far
  end_event(points);
  const GraphConfig config{radius, 30, EdgeOrder::larger_first};
  CHECK(find(points, config) == twins::neighbours(points, config));
}

TEST_CASE("neighbours of nothing") {
  const GraphConfig config;
  CHECK(find({8, {}, {0}}, config).empty());
  CHECK(find({8, {}, {0, 0, 0}}, config).empty());
}

TEST_CASE("neighbours: points with NaN get no edges, the others theirs") {
  PointSet points = mixed_batch(6, 1.f, 5);
  const auto order = GENERATE(values(kOrders));
  const Index most = GENERATE(5, 500);
  for (std::size_t i = 0; i < points.at.size(); i += 97) points.at[i] = std::numeric_limits<float>::quiet_NaN();
  const GraphConfig config{1.f, most, order};
  CHECK(find(points, config) == twins::neighbours(points, config));
}

TEST_CASE("neighbours are the same for any number of threads") {
  PointSet points{8, {}, {0}};
  add_clusters(points, 5000, 3.f, 0.2f, 6);
  end_event(points);
  add_clusters(points, 900, 0.2f, 0.2f, 7);
  end_event(points);
  const Index most = GENERATE(10, 500);
  const GraphConfig config{1.f, most, EdgeOrder::larger_first};
  const Pairs pairs = find(points, config, 1);
  CHECK(pairs == find(points, config, 2));
  CHECK(pairs == find(points, config, 7));
  CHECK(pairs == twins::neighbours(points, config));
}

}  // namespace
}  // namespace helix::exatrkx
