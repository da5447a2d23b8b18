// Walks in rounds against the sequential ones. One text for both backends.
#include "kernels/exatrkx/walk.h"

#include "test/support/test_device.h"
#include "test/twins/walk.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>

namespace helix::exatrkx {
namespace {

void check_twin(const twins::Graph& graph, float cut, float join_cut, Index min_hits) {
  const twins::Labels expected = twins::walk(graph, cut, join_cut, min_hits);
  for (const int threads : {1, 2}) {
    CAPTURE(threads);
    helix::test::TestDevice device(threads);
    const EdgeList edges{device.upload(graph.source), device.upload(graph.target)};
    const Components out = walk_tracks(device.exec(), {device.upload(graph.events)}, graph.events.back(), edges,
                                       device.upload(graph.score), cut, join_cut, min_hits);
    CHECK(device.download(out.label) == expected.label);
    CHECK(device.download(out.n_components) == expected.n_components);
  }
}

TEST_CASE("walk: chains of hand-made events") {
  twins::Graph graph;
  graph.events = {0, 0, 4, 6};
  graph.source = {0, 1, 1, 0, 4};
  graph.target = {1, 2, 3, 3, 5};
  graph.score = {2.f, 1.f, 3.f, 0.5f, -1.f};  // 1 goes on to 3, so that 2 stays alone
  check_twin(graph, 0.f, 0.f, 1);
  check_twin(graph, 0.f, -2.f, 2);
  check_twin(graph, -INFINITY, INFINITY, 1);
  graph = {};
  graph.events = {0};
  check_twin(graph, 0.f, 0.f, 1);
}

TEST_CASE("walk: rounds give what one edge after the other gives") {
  std::mt19937 random(3);
  for (const Index n : {2, 50, 3000}) {
    for (const float steps : {4.f, 1000.f}) {  // with many equal scores, and few
      twins::Graph graph;
      graph.events = {0, n / 2, n};
      for (Index e = 0; e < 4 * n; ++e) {
        const Index begin = e % 2 == 0 ? 0 : n / 2, a = begin + static_cast<Index>(random() % (n / 2)),
                    b = begin + static_cast<Index>(random() % (n / 2));
        if (a == b) continue;
        graph.source.push_back(std::min(a, b));
        graph.target.push_back(std::max(a, b));
        graph.score.push_back(std::floor(static_cast<float>(random() % 1000) * steps / 1000.f) / steps - 0.3f);
      }
      CAPTURE(n, steps);
      check_twin(graph, 0.2f, -0.1f, 3);
    }
  }
}

TEST_CASE("walk: a path whose scores fall all along it takes a round for each edge") {
  twins::Graph graph;
  constexpr Index kHits = 40;
  graph.events = {0, kHits};
  for (Index i = 0; i + 1 < kHits; ++i)
    for (Index to = i + 1; to < std::min(i + 3, kHits); ++to) {
      graph.source.push_back(i);
      graph.target.push_back(to);
      graph.score.push_back(static_cast<float>(2 * kHits - 2 * i - to % 2));
    }
  check_twin(graph, 0.f, 0.f, 1);
}

}  // namespace
}  // namespace helix::exatrkx
