// The pipeline on the CPU, stage by stage and as a whole, beside a baseline in the same run: compare ratios.
#include "kernels/engine.h"
#include "kernels/patatrack/features.h"
#include "kernels/patatrack/pipeline.h"
#include "kernels/patatrack/select.h"
#include "test/bench/baseline.h"
#include "test/support/answers.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <numbers>
#include <random>
#include <string>

namespace helix {
namespace {

using namespace patatrack;

const test::OwnedBatch& event() {
  static const test::OwnedBatch batch = test::sample_events("phase1-ttbar-pu50", 1);
  return batch;
}

void baseline(benchmark::State& state) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> azimuth(-std::numbers::pi_v<float>, std::numbers::pi_v<float>);
  std::vector<float> phi(1'000'000), value(phi.size());
  for (std::size_t i = 0; i < phi.size(); ++i) phi[i] = azimuth(random), value[i] = azimuth(random);
  for (auto _ : state) benchmark::DoNotOptimize(bench::sort_and_sum(phi, value, 2e-4f));
}
BENCHMARK(baseline)->Name("baseline: sort 1e6 azimuths, sum neighbours")->Unit(benchmark::kMillisecond);

/// What each stage reads, made by the stages before it.
struct Inputs {
  Arena arena{host_memory(), std::size_t{1} << 30};
  CpuExec exec{arena, 1};
  Config config;
  HitBatch batch = event().view();
  DetectorView detector = test::phase1().view();

  SortedHits hits = prepare_hits(exec, batch, detector, config.doublets.cluster_sizes);
  Overlaps overlaps = find_overlaps(exec, hits, detector, config.doublets);
  Doublets doublets = find_doublets(exec, hits, detector, config);
  Connections connections = connect_doublets(exec, hits, overlaps, doublets, detector, config);
  Ntuplets tuples = find_ntuplets(exec, doublets, connections, config.ntuplets);
  TrackHits tracks = attach_overlaps(exec, hits, overlaps, tuples, detector, config.ntuplets);
  Span<const TrackFit> fit = fit_broken_lines(exec, batch, hits, detector, tracks);
  Span<TrackFeatures> features = describe_tracks(exec, batch, hits, tuples, tracks, fit, detector, config.select);
  Selection selection = select(exec);

  std::vector<float> z, var_z, pt2;  // of the selected tracks, rising in z
  std::vector<Index> track_events;

  Inputs() {
    std::vector<Index> order(selection.tuple.begin(), selection.tuple.end());
    const auto fit_of = [&](Index tuple) -> const TrackFit& { return fit[static_cast<std::size_t>(tuple)]; };
    std::sort(order.begin(), order.end(), [&](Index a, Index b) { return fit_of(a).dz < fit_of(b).dz; });
    for (const Index tuple : order) {
      const TrackFit& f = fit_of(tuple);
      z.push_back(f.dz), var_z.push_back(f.line[2]), pt2.push_back(1 / (f.q_over_pt * f.q_over_pt));
    }
    track_events = {0, static_cast<Index>(z.size())};
    for (auto* column : {&z, &var_z, &pt2}) column->reserve(column->size() + kReadAhead);
  }
  Selection select(CpuExec& with) const {
    return select_tracks(with, batch.n_events(), {hits, tuples, tracks, fit, features}, detector.scores, config.select,
                         config.vertices);
  }
};

const Inputs& inputs() {
  static const Inputs in;
  return in;
}

/// Runs one stage again and again in a memory of its own, so that its input stays.
void stage(benchmark::State& state, void (*run)(CpuExec&, const Inputs&)) {
  const Inputs& in = inputs();
  Arena arena(host_memory(), std::size_t{1} << 30);
  CpuExec exec(arena, 1);
  for (auto _ : state) {
    arena.reset();
    run(exec, in);
  }
  state.counters["hits"] = in.batch.n_hits();
  state.counters["doublets"] = in.doublets.n();
  state.counters["cells"] = in.connections.n();
  state.counters["tuples"] = in.tuples.n();
  state.counters["tracks"] = static_cast<double>(in.z.size());
}

void add_stages() {
  const auto add = [](const char* name, void (*run)(CpuExec&, const Inputs&)) {
    benchmark::RegisterBenchmark((std::string("stage: ") + name).c_str(), stage, run)->Unit(benchmark::kMicrosecond);
  };
  add("prepare", [](CpuExec& exec, const Inputs& in) {
    benchmark::DoNotOptimize(prepare_hits(exec, in.batch, in.detector, in.config.doublets.cluster_sizes));
  });
  add("overlaps", [](CpuExec& exec, const Inputs& in) {
    benchmark::DoNotOptimize(find_overlaps(exec, in.hits, in.detector, in.config.doublets));
  });
  add("doublets", [](CpuExec& exec, const Inputs& in) {
    benchmark::DoNotOptimize(find_doublets(exec, in.hits, in.detector, in.config));
  });
  add("connect", [](CpuExec& exec, const Inputs& in) {
    benchmark::DoNotOptimize(connect_doublets(exec, in.hits, in.overlaps, in.doublets, in.detector, in.config));
  });
  add("ntuplets", [](CpuExec& exec, const Inputs& in) {
    benchmark::DoNotOptimize(find_ntuplets(exec, in.doublets, in.connections, in.config.ntuplets));
  });
  add("attach", [](CpuExec& exec, const Inputs& in) {
    benchmark::DoNotOptimize(attach_overlaps(exec, in.hits, in.overlaps, in.tuples, in.detector, in.config.ntuplets));
  });
  add("fit", [](CpuExec& exec, const Inputs& in) {
    benchmark::DoNotOptimize(fit_broken_lines(exec, in.batch, in.hits, in.detector, in.tracks));
  });
  add("features", [](CpuExec& exec, const Inputs& in) {
    benchmark::DoNotOptimize(
        describe_tracks(exec, in.batch, in.hits, in.tuples, in.tracks, in.fit, in.detector, in.config.select));
  });
  add("select, with vertices", [](CpuExec& exec, const Inputs& in) { benchmark::DoNotOptimize(in.select(exec)); });
  add("vertices", [](CpuExec& exec, const Inputs& in) {
    benchmark::DoNotOptimize(find_vertices(exec, {{in.track_events}, in.z, in.var_z, in.pt2}, in.config.vertices));
  });
}

/// The whole pipeline on events of 50 pile-up interactions: events in a batch, threads.
void engine(benchmark::State& state) {
  static const test::OwnedBatch samples = test::sample_events("phase1-ttbar-pu50");
  const auto n = static_cast<Index>(state.range(0));
  test::OwnedBatch batch;
  for (Index e = 0; e < n; ++e) batch.append(samples.view(), e % samples.view().n_events());
  EngineOptions options;
  options.threads = static_cast<int>(state.range(1));
  const auto cpu = make_cpu_engine(test::phase1(), {}, options);
  const auto first = cpu->run(batch.view());
  if (!first.ok()) return state.SkipWithError(first.status().message().c_str());
  for (auto _ : state) benchmark::DoNotOptimize(cpu->run(batch.view()));
  EventCounters sum;
  for (const EventCounters& c : first->counters)
    sum.hits += c.hits, sum.doublets += c.doublets, sum.cells += c.cells, sum.tuples += c.tuples,
        sum.tracks += c.tracks;
  const auto per_event = [&](Index count) { return static_cast<double>(count) / static_cast<double>(n); };
  state.counters["hits"] = per_event(sum.hits);
  state.counters["doublets"] = per_event(sum.doublets);
  state.counters["cells"] = per_event(sum.cells);
  state.counters["tuples"] = per_event(sum.tuples);
  state.counters["tracks"] = per_event(sum.tracks);
  state.SetItemsProcessed(state.iterations() * n);  // events
}
BENCHMARK(engine)
    ->ArgNames({"events", "threads"})
    ->Args({1, 1})
    ->Args({1, 2})
    ->Args({16, 1})
    ->Args({16, 2})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace helix

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  helix::add_stages();
  benchmark::RunSpecifiedBenchmarks();
}
