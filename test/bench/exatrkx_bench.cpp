// The stages of the Exa.TrkX pipeline that are ours on the CPU, on points as an embedding gives them.
#include "kernels/exatrkx/components.h"
#include "kernels/exatrkx/neighbours.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace helix::exatrkx {
namespace {

constexpr Index kDimensions = 8;
constexpr float kSpread = 3.f;  // of the clusters' centres, in radii

struct Cloud {
  std::vector<float> at;
  std::vector<Index> events;
  Points view() const { return {at, kDimensions, {events}}; }
};

/// Clusters of 5 to 15 points, 0.1 to 0.3 radii wide, around centres on a curved surface; neighbours stand anywhere.
Cloud clusters(Index n) {
  std::mt19937 random(1);
  std::normal_distribution<float> gauss;
  std::uniform_real_distribution<float> width(0.1f, 0.3f);
  float turn[kDimensions][kDimensions];
  for (auto& row : turn)
    for (float& x : row) x = gauss(random);
  Cloud cloud{{}, {0, n}};
  std::vector<float> rows;
  for (Index i = 0; i < n;) {
    float u[kDimensions], centre[kDimensions] = {};
    for (float& x : u) x = gauss(random);
    for (Index d = 0; d < kDimensions; ++d) {
      float along = 0;
      for (Index k = 0; k < kDimensions; ++k) along += turn[d][k] * u[k];
      centre[d] = kSpread * (std::sin(along) + 0.3f * along);
    }
    const float w = width(random);
    for (auto left = 5 + random() % 11; left > 0 && i < n; --left, ++i)
      for (const float c : centre) rows.push_back(c + w * gauss(random));
  }
  std::vector<std::size_t> order(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  for (const std::size_t from : order)
    for (std::size_t d = 0; d < kDimensions; ++d) cloud.at.push_back(rows[from * kDimensions + d]);
  return cloud;
}

void neighbours(benchmark::State& state) {
  const Cloud cloud = clusters(static_cast<Index>(state.range(0)));
  GraphConfig config;
  config.radius = 1.f;
  Arena arena(host_memory(), std::size_t{1} << 30);
  CpuExec exec(arena, 1);
  Edges edges;
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(edges = find_neighbours(exec, cloud.view(), config));
  }
  state.counters["edges"] = edges.n();
}
BENCHMARK(neighbours)->Arg(10'000)->Arg(36'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void components(benchmark::State& state) {
  const Cloud cloud = clusters(static_cast<Index>(state.range(0)));
  GraphConfig config;
  config.radius = 1.f;
  Arena edge_arena(host_memory(), std::size_t{1} << 30), arena(host_memory(), std::size_t{1} << 30);
  CpuExec edge_exec(edge_arena, 1), exec(arena, 1);
  const Edges edges = find_neighbours(edge_exec, cloud.view(), config);
  std::mt19937 random(2);
  std::uniform_real_distribution<float> uniform;
  std::vector<float> score(edges.source.size());
  for (float& s : score) s = uniform(random);
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(find_components(exec, cloud.view().events, edges.source, edges.target, score, 0.3f, 3));
  }
  state.counters["edges"] = edges.n();
}
BENCHMARK(components)->Arg(10'000)->Arg(36'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace helix::exatrkx
