// The filter and the graph network of a model (folder HELIX_MODEL) on the graph that it makes of an event (hits file
// HELIX_EVENT), by our kernels and by LibTorch, one thread. How many pairs of edges there are is the event's.
#include "kernels/event/trackml_csv.h"
#include "kernels/exatrkx/pipeline.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

namespace helix::exatrkx {
namespace {

/// A graph as a network was given it.
struct Seen {
  std::vector<float> features;
  std::vector<Index> source, target;

  void keep(Span<const float> x, const EdgeList& edges) {
    features.assign(x.begin(), x.end());
    source.insert(source.end(), edges.source.begin(), edges.source.end());
    target.insert(target.end(), edges.target.begin(), edges.target.end());
  }
};

/// Keeps what the networks are given.
class Recorder final : public Networks {
 public:
  explicit Recorder(std::shared_ptr<const Networks> networks) : networks_(std::move(networks)) {}
  Status embed(CpuExec& exec, Span<const float> features, Span<float> out) const override {
    return networks_->embed(exec, features, out);
  }
  Status filter(CpuExec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const override {
    filtered.keep(features, edges);
    return networks_->filter(exec, features, edges, out);
  }
  Status classify(CpuExec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const override {
    classified.keep(features, edges);
    return networks_->classify(exec, features, edges, out);
  }
  Index filter_chunk() const override { return networks_->filter_chunk(); }
  NetworkCost embed_cost() const override { return networks_->embed_cost(); }
  NetworkCost filter_cost() const override { return networks_->filter_cost(); }
  NetworkCost gnn_cost() const override { return networks_->gnn_cost(); }

  mutable Seen filtered, classified;

 private:
  std::shared_ptr<const Networks> networks_;
};

Status record(CpuExec& exec, const Model& model, const Recorder& recorder) {
  const Result<EventHits> hits = read_hits(std::getenv("HELIX_EVENT"));
  if (!hits.ok()) return hits.status();
  const std::vector<Index> offsets{0, static_cast<Index>(hits->size())};
  const std::vector<BeamSpot> spot(1);
  HitBatch batch;
  batch.x = hits->x, batch.y = hits->y, batch.z = hits->z;
  batch.events = {offsets};
  batch.beam_spot = spot;
  return run_pipeline(exec, batch, model, recorder).status();
}

/// run(networks, exec, out) of the graph that `seen` of the recorder is.
template <class Run>
void with_event(benchmark::State& state, Seen Recorder::*seen, const Run& run) {
  const char* folder = std::getenv("HELIX_MODEL");
  if (folder == nullptr || std::getenv("HELIX_EVENT") == nullptr || !has_networks())
    return state.SkipWithError("needs LibTorch, HELIX_MODEL: a model's folder, HELIX_EVENT: a hits file");
  const Result<Model> model = load_model(folder);
  if (!model.ok()) return state.SkipWithError(model.status().message().c_str());
  const auto networks = load_networks(*model, {Precision::fp32, state.range(0) != 0});
  if (!networks.ok()) return state.SkipWithError(networks.status().message().c_str());
  Arena arena(host_memory(), std::size_t{4} << 30);
  CpuExec exec(arena, 1);
  const Recorder recorder(*networks);
  if (Status status = record(exec, *model, recorder); !status.ok())
    return state.SkipWithError(status.message().c_str());
  const Seen& graph = recorder.*seen;
  std::vector<float> out(graph.source.size());
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(run(**networks, exec, graph, Span<float>(out)).ok());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}

void event_filter(benchmark::State& state) {
  with_event(state, &Recorder::filtered, [](const Networks& n, CpuExec& exec, const Seen& g, Span<float> out) {
    const EdgeList edges{g.source, g.target};
    const auto chunk = static_cast<std::size_t>(n.filter_chunk());
    Status status;
    for (std::size_t at = 0; at < out.size() && status.ok(); at += chunk) {
      const std::size_t size = std::min(chunk, out.size() - at);
      status = n.filter(exec, g.features, {edges.source.subspan(at, size), edges.target.subspan(at, size)},
                        out.subspan(at, size));
    }
    return status;
  });
}
BENCHMARK(event_filter)->ArgName("fused")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void event_gnn(benchmark::State& state) {
  with_event(state, &Recorder::classified, [](const Networks& n, CpuExec& exec, const Seen& g, Span<float> out) {
    return n.classify(exec, g.features, {g.source, g.target}, out);
  });
}
BENCHMARK(event_gnn)->ArgName("fused")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace helix::exatrkx
