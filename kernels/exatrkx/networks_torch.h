#pragma once

// LibTorch's side of the networks, for networks_torch*.cpp alone: nothing else sees LibTorch.
#include "kernels/exatrkx/networks.h"

#include <ATen/autocast_mode.h>
#include <c10/core/Allocator.h>
#include <c10/util/Exception.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace helix::exatrkx {

using at::Tensor;

/// Most bytes that this thread's tensors held at one time.
class PeakMemory : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device) override {
    now_ += bytes;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t now_ = 0, peak_ = 0;
};

/// What LibTorch says, without the trace of its own sources.
inline std::string first_lines(const std::exception& error) {
  std::string text = error.what();
  if (const std::size_t trace = text.find("\nException raised from"); trace != std::string::npos) text.resize(trace);
  std::string line;
  for (const char c : text) line += c == '\n' ? ' ' : c;
  constexpr std::size_t kMost = 600;
  if (line.size() > kMost) line = line.substr(0, kMost) + " ...";
  return line;
}

/// Linear layers in half as many bits, sums and norms in fp32, for as long as it lives: LibTorch's autocast.
class PrecisionGuard {
 public:
  PrecisionGuard(Precision precision, at::DeviceType device) : device_(device), on_(precision != Precision::fp32) {
    if (!on_) return;
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, precision == Precision::fp16 ? at::kHalf : at::kBFloat16);
    at::autocast::set_autocast_cache_enabled(false);  // there is nothing to be differentiated
  }
  ~PrecisionGuard() {
    if (on_) at::autocast::set_autocast_enabled(device_, false);
  }
  PrecisionGuard(const PrecisionGuard&) = delete;
  PrecisionGuard& operator=(const PrecisionGuard&) = delete;

 private:
  at::DeviceType device_;
  bool on_;
};

/// A TorchScript file on a device.
class Network {
 public:
  Network(const NetworkFile& file, at::Device device)
      : path_(file.path), module_(torch::jit::load(file.path, at::kCPU)) {  // published files hold CUDA constants
    module_.eval();
    module_.to(device);
  }

  /// The first rows x columns values of what the network answers, as fp32.
  Status run(std::vector<c10::IValue> inputs, std::int64_t rows, std::int64_t columns, bool exactly,
             Precision precision, const Tensor& out) const {
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);  // else the first runs differ from later ones
    const PrecisionGuard guard(precision, out.device().type());
    const c10::IValue answer = module_.get_method("forward")(std::move(inputs));
    if (!answer.isTensor()) return wrong("does not answer with a tensor");
    const Tensor tensor = answer.toTensor();
    const bool halved = precision != Precision::fp32 && at::isReducedFloatingType(tensor.scalar_type());
    if (tensor.scalar_type() != at::kFloat && !halved) return wrong("does not answer with float32");
    const bool fits = tensor.dim() >= 1 && tensor.size(0) >= rows && (!exactly || tensor.size(0) == rows) &&
                      tensor.numel() == tensor.size(0) * columns;
    if (!fits) {
      std::string shape;
      for (const std::int64_t size : tensor.sizes()) shape += (shape.empty() ? "" : ", ") + std::to_string(size);
      return wrong("answers with shape [" + shape + "], not [" + std::to_string(rows) +
                   (columns == 1 ? "]" : ", " + std::to_string(columns) + "]"));
    }
    out.copy_(tensor.reshape({-1}).narrow(0, 0, rows * columns), true);
    return {};
  }

  Status wrong(const std::string& trouble) const { return invalid_argument(path_ + ": " + trouble); }
  const std::string& path() const { return path_; }
  const torch::jit::Module& module() const { return module_; }

 private:
  std::string path_;
  torch::jit::Module module_;
};

/// Networks that LibTorch runs. Tensors are views of the exec's memory.
///
/// Scope  Scope(exec, device): for as long as it lives, this thread's calls of LibTorch go where the exec's do
template <class Exec, class Scope>
class TorchNetworks final : public NetworksOn<Exec> {
 public:
  TorchNetworks(const Model& model, const NetworkOptions& options, at::Device device, Index filter_chunk)
      : n_features_(static_cast<std::int64_t>(model.features.size())),
        dimensions_(model.dimensions),
        seen_{model.embed_features, model.filter_features, model.gnn_features},
        both_directions_(model.both_directions),
        precision_(options.precision),
        device_(device),
        filter_chunk_(filter_chunk),
        embed_(model.embed, device),
        filter_(model.filter, device),
        gnn_(model.gnn, device) {}

  Status embed(Exec& exec, Span<const float> features, Span<float> out) const override {
    return call(exec, embed_, [&] {
      const std::int64_t n = hits(features);
      return embed_.run({view(features, seen_[0])}, n, dimensions_, true, precision_, floats(out));
    });
  }
  Status filter(Exec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const override {
    return call(exec, filter_, [&] {
      return filter_.run({view(features, seen_[1]), edge_index(edges, false)}, edges.n(), 1, true, precision_,
                         floats(out));
    });
  }
  Status classify(Exec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const override {
    return call(exec, gnn_, [&] {
      return gnn_.run({view(features, seen_[2]), edge_index(edges, both_directions_)}, edges.n(), 1, !both_directions_,
                      precision_, floats(out));
    });
  }

  Index filter_chunk() const override { return filter_chunk_; }
  NetworkCost embed_cost() const override { return embed_cost_; }
  NetworkCost filter_cost() const override { return filter_cost_; }
  NetworkCost gnn_cost() const override { return gnn_cost_; }

  const Network& embed_network() const { return embed_; }
  const Network& filter_network() const { return filter_; }
  const Network& gnn_network() const { return gnn_; }

  /// A small event through each network: shapes, operators, and what it costs.
  Status probe(Exec& exec) {
    constexpr Index kHits = 512, kEdges = 2048;
    double bytes = 0;
    Status status =
        peak_of(exec, kHits, 0, bytes, [&](const Graph& g) { return embed(exec, g.features(), g.answer()); });
    embed_cost_.per_hit = bytes / kHits;
    if (status.ok())
      status = probe_graph(exec, kHits, kEdges, filter_cost_,
                           [&](const Graph& g) { return filter(exec, g.features(), g.edges(), g.answer()); });
    if (status.ok())
      status = probe_graph(exec, kHits, kEdges, gnn_cost_,
                           [&](const Graph& g) { return classify(exec, g.features(), g.edges(), g.answer()); });
    return status;
  }

 private:
  /// On the device.
  struct Graph {
    Tensor x, source, target, out;
    Span<const float> features() const { return {x.data_ptr<float>(), static_cast<std::size_t>(x.numel())}; }
    Span<float> answer() const { return {out.data_ptr<float>(), static_cast<std::size_t>(out.numel())}; }
    EdgeList edges() const { return {indices(source), indices(target)}; }
    static Span<const Index> indices(const Tensor& t) {
      return {t.data_ptr<Index>(), static_cast<std::size_t>(t.numel())};
    }
  };

  std::int64_t hits(Span<const float> features) const {
    return static_cast<std::int64_t>(features.size()) / n_features_;
  }
  at::TensorOptions on_device(at::ScalarType type) const { return at::TensorOptions().dtype(type).device(device_); }

  /// LibTorch has no views of constants; it does not write to these.
  Tensor floats(Span<const float> values) const {
    return at::from_blob(const_cast<float*>(values.begin()), {static_cast<std::int64_t>(values.size())},
                         on_device(at::kFloat));
  }
  Tensor indices(Span<const Index> values) const {
    return at::from_blob(const_cast<Index*>(values.begin()), {static_cast<std::int64_t>(values.size())},
                         on_device(at::kInt));
  }
  /// The first `seen` of the columns.
  Tensor view(Span<const float> features, std::int64_t seen) const {
    const Tensor all = floats(features).view({hits(features), n_features_});
    return seen == 0 || seen == n_features_ ? all : all.narrow(1, 0, seen).contiguous();
  }

  /// [2, edges], or twice as many where each is needed both ways.
  Tensor edge_index(const EdgeList& edges, bool both_directions) const {
    const std::int64_t n = edges.n();
    const Tensor index = at::empty({2, both_directions ? 2 * n : n}, on_device(at::kLong));
    const Tensor source = indices(edges.source), target = indices(edges.target);
    index[0].narrow(0, 0, n).copy_(source);
    index[1].narrow(0, 0, n).copy_(target);
    if (both_directions) {
      index[0].narrow(0, n, n).copy_(target);
      index[1].narrow(0, n, n).copy_(source);
    }
    return index;
  }

  template <class Run>
  Status call(Exec& exec, const Network& network, const Run& run) const {
    try {
      const c10::InferenceMode inference;
      const Scope scope(exec, device_);
      return run();
    } catch (const c10::OutOfMemoryError& error) {
      return resource_exhausted(network.path() + ": " + first_lines(error));
    } catch (const std::exception& error) {  // ErrorReport of TorchScript is no c10::Error
      return internal_error(network.path() + ": " + first_lines(error));
    }
  }

  Graph make_graph(Index n_hits, Index n_edges) const {
    const auto cpu = at::TensorOptions().device(at::kCPU);
    const Tensor e = at::arange(n_edges, cpu.dtype(at::kInt)),
                 k = at::arange(n_hits * n_features_, cpu.dtype(at::kInt));
    return {((k * 7919 % 1000).to(at::kFloat) / 500. - 0.999).to(device_), (e % n_hits).to(device_),
            ((e * 13 + 1) % n_hits).to(device_),
            at::empty({n_edges > 0 ? n_edges : n_hits * dimensions_}, on_device(at::kFloat))};
  }

  template <class Run>
  Status peak_of(Exec& exec, Index n_hits, Index n_edges, double& bytes, const Run& run) const {
    const c10::InferenceMode inference;
    const Scope scope(exec, device_);
    const Graph graph = make_graph(n_hits, n_edges);
    const auto peak = std::make_shared<PeakMemory>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, peak);
    const Status status = run(graph);
    bytes = static_cast<double>(peak->peak());
    // what is wrong with a network now is wrong with the model, not with us
    return status.ok() ? status : invalid_argument(status.message());
  }

  /// Two graphs that differ in their edges, and what is left is the hits'.
  template <class Run>
  Status probe_graph(Exec& exec, Index n_hits, Index n_edges, NetworkCost& cost, const Run& run) const {
    double few = 0, many = 0;
    Status status = peak_of(exec, n_hits, n_edges, few, run);
    if (status.ok()) status = peak_of(exec, n_hits, 2 * n_edges, many, run);
    cost.per_edge = std::max(many - few, 0.) / n_edges;
    cost.per_hit = std::max(few - cost.per_edge * n_edges, 0.) / n_hits;
    return status;
  }

  std::int64_t n_features_, dimensions_;
  std::int64_t seen_[3];  // features of each network; 0: all
  bool both_directions_;
  Precision precision_;
  at::Device device_;
  Index filter_chunk_;
  Network embed_, filter_, gnn_;
  NetworkCost embed_cost_, filter_cost_, gnn_cost_;
};

/// Which file it is that cannot be opened.
inline Status find_bad_file(const Model& model) {
  for (const NetworkFile* file : {&model.embed, &model.filter, &model.gnn}) {
    try {
      const Network opened(*file, at::kCPU);
    } catch (const std::exception& error) {
      return invalid_argument(file->path + ": is no TorchScript that can be run here: " + first_lines(error));
    }
  }
  return internal_error(model.folder + ": cannot be opened");
}

}  // namespace helix::exatrkx
