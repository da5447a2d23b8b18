// The networks of a model (folder in the environment variable HELIX_MODEL) by our kernels and by LibTorch, on a graph
// of random hits, one thread. Compare within one run.
#include "kernels/core/exec_cpu.h"
#include "kernels/exatrkx/networks.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace helix::exatrkx {
namespace {

constexpr Index kHits = 20'000;

/// Features r, cos phi, sin phi, z of hits on ten layers; each edge joins a hit to one of the next thousand.
struct Graph {
  std::vector<float> x;
  std::vector<Index> source, target;
  EdgeList edges() const { return {source, target}; }
};

Graph make_graph(Index n_edges, const Model& model) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1.f, 1.f);
  Graph graph;
  for (Index i = 0; i < kHits; ++i) {
    const float r = 30.f + 100.f * static_cast<float>(random() % 10), phi = 3.14159f * uniform(random);
    const float columns[4] = {r, std::cos(phi), std::sin(phi), 1000.f * uniform(random)};
    for (std::size_t c = 0; c < model.features.size(); ++c) graph.x.push_back(columns[c % 4] / model.scales[c]);
  }
  for (Index e = 0; e < n_edges; ++e) {
    const auto from = static_cast<Index>(random() % kHits);
    graph.source.push_back(from);
    graph.target.push_back(static_cast<Index>((static_cast<unsigned>(from) + 1 + random() % 1000) % kHits));
  }
  return graph;
}

/// run(networks, exec, graph, out), with our kernels or without.
template <class Run>
void with_model(benchmark::State& state, bool fused, Index n_edges, const Run& run) {
  const char* folder = std::getenv("HELIX_MODEL");
  if (folder == nullptr || !has_networks())
    return state.SkipWithError("needs LibTorch, and HELIX_MODEL: a model's folder");
  const Result<Model> model = load_model(folder);
  if (!model.ok()) return state.SkipWithError(model.status().message().c_str());
  const auto networks = load_networks(*model, {Precision::fp32, fused});
  if (!networks.ok()) return state.SkipWithError(networks.status().message().c_str());
  const Graph graph = make_graph(n_edges, *model);
  std::vector<float> out(static_cast<std::size_t>(std::max(n_edges, kHits * model->dimensions)));
  Arena arena(host_memory(), std::size_t{4} << 30);
  CpuExec exec(arena, 1);
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(run(**networks, exec, graph, Span<float>(out)).ok());
  }
  state.SetItemsProcessed(state.iterations() * (n_edges > 0 ? n_edges : kHits));
}

void embed(benchmark::State& state) {
  with_model(state, state.range(0) != 0, 0,
             [](const Networks& n, CpuExec& exec, const Graph& g, Span<float> out) { return n.embed(exec, g.x, out); });
}
BENCHMARK(embed)->ArgName("fused")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

constexpr Index kFilterEdges = 1 << 18;

void filter_in_chunks(benchmark::State& state) {
  const auto chunk = static_cast<std::size_t>(state.range(1));
  with_model(state, state.range(0) != 0, kFilterEdges,
             [chunk](const Networks& n, CpuExec& exec, const Graph& g, Span<float> out) {
               Status status;
               for (std::size_t at = 0; at < g.source.size() && status.ok(); at += chunk)
                 status =
                     n.filter(exec, g.x, {g.edges().source.subspan(at, chunk), g.edges().target.subspan(at, chunk)},
                              out.subspan(at, chunk));
               return status;
             });
}
BENCHMARK(filter_in_chunks)
    ->ArgNames({"fused", "edges"})
    ->ArgsProduct({{0}, benchmark::CreateRange(1 << 10, kFilterEdges, 4)})
    ->Args({1, kFilterEdges})
    ->Unit(benchmark::kMillisecond);

void message_passing(benchmark::State& state) {
  with_model(state, state.range(0) != 0, 60'000, [](const Networks& n, CpuExec& exec, const Graph& g, Span<float> out) {
    return n.classify(exec, g.x, g.edges(), out.subspan(0, g.source.size()));
  });
}
BENCHMARK(message_passing)->ArgName("fused")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace helix::exatrkx
