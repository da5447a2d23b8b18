// Components against a sequential union-find. One text for both backends.
#include "kernels/exatrkx/components.h"

#include "test/support/test_device.h"
#include "test/twins/components.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

namespace helix::exatrkx {
namespace {

using test::TestDevice;
using twins::Graph;
using twins::Labels;

Labels find(const Graph& graph, float cut, Index min_hits, int threads = 1) {
  TestDevice device(threads);
  const Offsets events{device.upload(graph.events)};
  const Components out = find_components(device.exec(), events, device.upload(graph.source),
                                         device.upload(graph.target), device.upload(graph.score), cut, min_hits);
  return {device.download(out.label), device.download(out.n_components)};
}

void check_twin(const Graph& graph, float cut, Index min_hits) {
  const Labels expected = twins::components(graph, cut, min_hits);
  for (const int threads : {1, 2, 5}) {
    CAPTURE(threads);
    const Labels labels = find(graph, cut, min_hits, threads);
    CHECK(labels.label == expected.label);
    CHECK(labels.n_components == expected.n_components);
  }
}

void add_edge(Graph& graph, Index source, Index target, float score = 1.f) {
  graph.source.push_back(source);
  graph.target.push_back(target);
  graph.score.push_back(score);
}

void shuffle_edges(Graph& graph, unsigned seed) {
  const auto shuffled = [seed](auto& column) {
    std::mt19937 random(seed);
    std::shuffle(column.begin(), column.end(), random);
  };
  shuffled(graph.source), shuffled(graph.target), shuffled(graph.score);
}

TEST_CASE("components of hand-made events") {
  Graph graph;
  graph.events = {0, 0, 5, 5, 9, 10, 10};
  add_edge(graph, 4, 1);
  add_edge(graph, 3, 0, 0.25f);  // below the cut
  add_edge(graph, 1, 3);
  add_edge(graph, 7, 8);
  add_edge(graph, 8, 6);
  const Labels all = find(graph, 0.5f, 1);
  CHECK(all.label == std::vector<Index>{0, 1, 2, 1, 1, 0, 1, 1, 1, 0});
  CHECK(all.n_components == std::vector<Index>{0, 3, 0, 2, 1, 0});
  const Labels large = find(graph, 0.5f, 3);
  CHECK(large.label == std::vector<Index>{-1, 0, -1, 0, 0, -1, 0, 0, 0, -1});
  CHECK(large.n_components == std::vector<Index>{0, 1, 0, 1, 0, 0});
}

TEST_CASE("components: an edge with its score at the cut is none") {
  Graph graph;
  graph.events = {0, 4};
  add_edge(graph, 1, 0, 0.5f);
  add_edge(graph, 3, 2, 0.50000006f);
  CHECK(find(graph, 0.5f, 1).label == std::vector<Index>{0, 1, 2, 2});
}

TEST_CASE("components of random batches") {
  const double edges_a_point = GENERATE(0.0, 0.3, 0.5, 1.0, 4.0);
  const Index min_hits = GENERATE(0, 1, 3, 1000);
  const unsigned seed = GENERATE(1u, 2u);
  CAPTURE(edges_a_point, min_hits, seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> score;
  Graph graph;
  for (const Index n : {0, 1, 0, 2, 300, 5000, 0, 40, 0}) {
    const Index first = graph.events.back();
    const auto end = [&] { return first + static_cast<Index>(random() % static_cast<unsigned>(n)); };
    for (int k = 0; k < static_cast<int>(edges_a_point * n); ++k) add_edge(graph, end(), end(), score(random));
    graph.events.push_back(first + n);
  }
  shuffle_edges(graph, seed);
  check_twin(graph, 0.3f, min_hits);
}

TEST_CASE("components of long paths and stars, in any order of edges") {
  const Index n = 4000;
  const unsigned seed = GENERATE(0u, 1u, 2u, 3u);
  const bool star = GENERATE(false, true);
  CAPTURE(seed, star);
  Graph graph;
  graph.events = {0, n, n + 1};
  for (Index i = 1; i < n; ++i) add_edge(graph, i, star ? n / 2 : i - 1, i == n / 2 ? 0.f : 1.f);
  if (seed > 0) shuffle_edges(graph, seed);
  if (seed > 1) std::swap(graph.source, graph.target);
  check_twin(graph, 0.5f, 1);
  check_twin(graph, 0.5f, 3);
}

TEST_CASE("components of nothing") {
  const Labels none = find({}, 0.5f, 1);
  CHECK(none.label.empty());
  CHECK(none.n_components.empty());
  Graph empty;
  empty.events = {0, 0, 0};
  CHECK(find(empty, 0.5f, 1).n_components == std::vector<Index>{0, 0});
}

}  // namespace
}  // namespace helix::exatrkx
