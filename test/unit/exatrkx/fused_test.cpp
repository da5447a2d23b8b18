// Our kernels for networks of the trained form, against LibTorch and against themselves.
#include "kernels/exatrkx/networks.h"
#include "test/support/test_device.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>

namespace helix::exatrkx {
namespace {

const std::string kModels = HELIX_SOURCE_DIR "/test/data/exatrkx/models/";

struct Graph {
  std::vector<float> x;
  std::vector<Index> source, target;
};

/// Hits on layers, and edges in any direction, some of a hit to itself; a prime number of each fills no block.
Graph make_graph(Index n_hits, Index n_edges, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1.f, 1.f);
  Graph graph;
  for (Index i = 0; i < n_hits; ++i) {
    const float phi = 3.14159f * uniform(random), r = 0.03f + 0.1f * static_cast<float>(random() % 10);
    graph.x.insert(graph.x.end(), {r, std::cos(phi), std::sin(phi), uniform(random)});
  }
  for (Index e = 0; e < n_edges; ++e) {
    graph.source.push_back(static_cast<Index>(random() % static_cast<unsigned>(n_hits)));
    graph.target.push_back(static_cast<Index>(random() % static_cast<unsigned>(n_hits)));
  }
  return graph;
}

struct Answers {
  std::vector<float> points, filter, gnn;
};

Answers run(const Networks& networks, const Graph& graph, int threads = 1) {
  helix::test::TestDevice device(threads);
  Answers out;
  out.points.resize(graph.x.size() / 4 * 3);
  out.filter.resize(graph.source.size());
  out.gnn.resize(graph.source.size());
  const EdgeList edges{graph.source, graph.target};
  REQUIRE(networks.embed(device.exec(), graph.x, out.points).message() == "");
  REQUIRE(networks.filter(device.exec(), graph.x, edges, out.filter).message() == "");
  REQUIRE(networks.classify(device.exec(), graph.x, edges, out.gnn).message() == "");
  return out;
}

std::shared_ptr<const Networks> load(const std::string& name, const NetworkOptions& options) {
  const Result<Model> model = load_model(kModels + name);
  REQUIRE(model.status().message() == "");
  const auto networks = load_networks(*model, options);
  REQUIRE(networks.status().message() == "");
  return *networks;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::fabs(double{a[i]} - double{b[i]}));
  return largest;
}

/// With a graph network of either form.
std::string any_form() { return GENERATE("trained-form", "triplet-form"); }

bool absent() {
  if (!has_networks()) WARN("built without LibTorch: not tested");
  return !has_networks();
}

TEST_CASE("fused: networks of the trained form answer as LibTorch does") {
  if (absent()) return;
  const std::string form = any_form();
  const auto ours = load(form, {}), torch = load(form, {Precision::fp32, false});
  CHECK(ours->filter_cost().per_edge == 0);  // ours indeed
  CHECK(ours->gnn_cost().per_edge == 0);
  CHECK(torch->filter_cost().per_edge > 0);
  const Graph graph = make_graph(997, 4999, 1);
  const Answers a = run(*ours, graph), b = run(*torch, graph);
  // sums of some tens of terms near 1 in another order, a layer's errors of 1e-6 handed on through norms
  CHECK(largest_difference(a.points, b.points) < 1e-5);
  CHECK(largest_difference(a.filter, b.filter) < 1e-4);
  CHECK(largest_difference(a.gnn, b.gnn) < 1e-4);
}

TEST_CASE("fused: the same bits for any number of threads, and in any batch") {
  if (absent()) return;
  const auto ours = load(any_form(), {});
  const Graph one = make_graph(997, 4999, 1), before = make_graph(31, 77, 2);
  const Answers alone = run(*ours, one), again = run(*ours, one, 3);
  CHECK(alone.points == again.points);
  CHECK(alone.filter == again.filter);
  CHECK(alone.gnn == again.gnn);

  Graph both = before;
  both.x.insert(both.x.end(), one.x.begin(), one.x.end());
  for (std::size_t e = 0; e < one.source.size(); ++e) {
    both.source.push_back(one.source[e] + 31);
    both.target.push_back(one.target[e] + 31);
  }
  const Answers batch = run(*ours, both, 2);
  const auto is_end = [](const std::vector<float>& part, const std::vector<float>& whole) {
    return std::equal(part.rbegin(), part.rend(), whole.rbegin());
  };
  CHECK(is_end(alone.points, batch.points));
  CHECK(is_end(alone.filter, batch.filter));
  CHECK(is_end(alone.gnn, batch.gnn));
}

TEST_CASE("fused: no edges, and one, are ordinary graphs") {
  if (absent()) return;
  const std::string form = any_form();
  const auto ours = load(form, {}), torch = load(form, {Precision::fp32, false});
  const Graph one = make_graph(2, 1, 3);
  CHECK(largest_difference(run(*ours, one).gnn, run(*torch, one).gnn) < 1e-4);
  CHECK(run(*ours, make_graph(1, 0, 3)).gnn.empty());
}

TEST_CASE("fused: a file whose parts have the names, but whose answer is another, goes through LibTorch") {
  if (absent()) return;
  const auto given = load("other-forward", {}), torch = load("other-forward", {Precision::fp32, false});
  CHECK(given->filter_cost().per_edge > 0);
  CHECK(given->gnn_cost().per_edge == 0);
  const Graph graph = make_graph(97, 499, 1);
  CHECK(run(*given, graph).filter == run(*torch, graph).filter);
}

TEST_CASE("precision: logits in half as many bits are those of fp32 to a few of its steps") {
  if (absent()) return;
  const Precision precision = GENERATE(Precision::bf16, Precision::fp16);
  const Result<Model> model = load_model(kModels + "trained-form");
  REQUIRE(model.ok());
  const auto halved = load_networks(*model, {precision});
  REQUIRE(halved.status().message() == "");
  const auto whole = load("trained-form", {Precision::fp32, false});
  const Graph graph = make_graph(997, 4999, 1);
  const Answers a = run(**halved, graph), b = run(*whole, graph);
  // weights, inputs and answers of each layer are rounded: to 2^-9 of their size in bf16, to 2^-12 in fp16. Norms keep
  // activations near 1, some ten layers add up their errors at random: 10 steps allow for the worst of thousands.
  const double step = precision == Precision::bf16 ? 1. / 512 : 1. / 4096;
  CHECK(largest_difference(a.points, b.points) < 10 * step);
  CHECK(largest_difference(a.filter, b.filter) < 10 * step);
  CHECK(largest_difference(a.gnn, b.gnn) < 10 * step);
  CHECK(largest_difference(a.gnn, b.gnn) > 0);  // it is on
}

}  // namespace
}  // namespace helix::exatrkx
