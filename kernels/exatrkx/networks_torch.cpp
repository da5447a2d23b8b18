// The only file that sees LibTorch.
#include "kernels/exatrkx/networks.h"

#include <ATen/Parallel.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/library.h>
#include <torch/script.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <string>
#include <tuple>
#include <utility>

namespace helix::exatrkx {
namespace {

using at::Tensor;

// --- operators that published models call and plain LibTorch does not know ------------------------------------------

/// torch_scatter::scatter_max and scatter_min: the extreme of all rows of src that go to a row, 0 where none does, and
/// the position of the first row that has it (the size of src where none does).
template <bool kMax>
std::tuple<Tensor, Tensor> scatter_extreme(const Tensor& src, const Tensor& index, std::int64_t dim,
                                           const std::optional<Tensor>& given, std::optional<std::int64_t> size) {
  TORCH_CHECK(!given.has_value(), "scatter_max with `out` is not supported");
  const std::int64_t at = dim < 0 ? dim + src.dim() : dim;
  const Tensor to = index.expand_as(src);
  std::vector<std::int64_t> shape = src.sizes().vec();
  shape[static_cast<std::size_t>(at)] = size ? *size : (index.numel() == 0 ? 0 : index.max().item<std::int64_t>() + 1);
  const Tensor values = at::zeros(shape, src.options()).scatter_reduce(at, to, src, kMax ? "amax" : "amin", false);
  const std::int64_t n = src.size(at);
  std::vector<std::int64_t> along(static_cast<std::size_t>(src.dim()), 1);
  along[static_cast<std::size_t>(at)] = n;
  const Tensor position = at::arange(n, index.options()).view(along).expand_as(src);
  const Tensor none = at::full({}, n, index.options());
  const Tensor candidates = at::where(src == values.gather(at, to), position, none);
  return {values, at::full(shape, n, index.options()).scatter_reduce(at, to, candidates, "amin", true)};
}

TORCH_LIBRARY_FRAGMENT(torch_scatter, library) {
  library.def("scatter_max(Tensor src, Tensor index, int dim, Tensor? out, int? size) -> (Tensor, Tensor)",
              &scatter_extreme<true>);
  library.def("scatter_min(Tensor src, Tensor index, int dim, Tensor? out, int? size) -> (Tensor, Tensor)",
              &scatter_extreme<false>);
}

// --- running a network ----------------------------------------------------------------------------------------------

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
std::string first_lines(const std::exception& error) {
  std::string text = error.what();
  if (const std::size_t trace = text.find("\nException raised from"); trace != std::string::npos) text.resize(trace);
  std::string line;
  for (const char c : text) line += c == '\n' ? ' ' : c;
  constexpr std::size_t kMost = 600;
  if (line.size() > kMost) line = line.substr(0, kMost) + " ...";
  return line;
}

/// The first `seen` of the columns.
Tensor view(Span<const float> values, std::int64_t rows, std::int64_t columns, std::int64_t seen) {
  // LibTorch has no view of constants; it is not written to
  const Tensor all = at::from_blob(const_cast<float*>(values.begin()), {rows, columns}, at::kFloat);
  return seen == 0 || seen == columns ? all : all.narrow(1, 0, seen).contiguous();
}

/// [2, edges], or twice as many where each is needed both ways.
Tensor edge_index(const EdgeList& edges, bool both_directions) {
  const std::int64_t n = edges.n(), all = both_directions ? 2 * n : n;
  Tensor index = at::empty({2, all}, at::kLong);
  auto* to = index.data_ptr<std::int64_t>();
  std::copy(edges.source.begin(), edges.source.end(), to);
  std::copy(edges.target.begin(), edges.target.end(), to + all);
  if (both_directions) {
    std::copy(edges.target.begin(), edges.target.end(), to + n);
    std::copy(edges.source.begin(), edges.source.end(), to + all + n);
  }
  return index;
}

class Network {
 public:
  Network(const NetworkFile& file) : path_(file.path), module_(torch::jit::load(file.path, at::kCPU)) {
    module_.eval();
  }

  /// The first rows x columns values of what the network answers.
  Status run(std::vector<c10::IValue> inputs, std::int64_t rows, std::int64_t columns, bool exactly, Span<float> out,
             int threads) const {
    const c10::InferenceMode inference;
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);  // else the first runs differ from later ones
    if (at::get_num_threads() != threads) at::set_num_threads(threads);
    const c10::IValue answer = module_.get_method("forward")(std::move(inputs));
    if (!answer.isTensor()) return wrong("does not answer with a tensor");
    const Tensor tensor = answer.toTensor();
    if (tensor.scalar_type() != at::kFloat) return wrong("does not answer with float32");
    const bool fits = tensor.dim() >= 1 && tensor.size(0) >= rows && (!exactly || tensor.size(0) == rows) &&
                      tensor.numel() == tensor.size(0) * columns;
    if (!fits) {
      std::string shape;
      for (const std::int64_t size : tensor.sizes()) shape += (shape.empty() ? "" : ", ") + std::to_string(size);
      return wrong("answers with shape [" + shape + "], not [" + std::to_string(rows) +
                   (columns == 1 ? "]" : ", " + std::to_string(columns) + "]"));
    }
    const Tensor plain = tensor.contiguous();
    std::copy_n(plain.data_ptr<float>(), rows * columns, out.begin());
    return {};
  }

  Status wrong(const std::string& trouble) const { return invalid_argument(path_ + ": " + trouble); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  torch::jit::Module module_;
};

template <class Run>
Status guarded(const Network& network, const Run& run) {
  try {
    return run();
  } catch (const std::exception& error) {  // ErrorReport of TorchScript is no c10::Error
    return internal_error(network.path() + ": " + first_lines(error));
  }
}

class TorchNetworks final : public Networks {
 public:
  explicit TorchNetworks(const Model& model)
      : n_features_(static_cast<std::int64_t>(model.features.size())),
        dimensions_(model.dimensions),
        seen_{model.embed_features, model.filter_features, model.gnn_features},
        both_directions_(model.both_directions),
        embed_(model.embed),
        filter_(model.filter),
        gnn_(model.gnn) {}

  Status embed(Span<const float> features, Span<float> out, int threads) const override {
    return guarded(embed_, [&] {
      const std::int64_t n = hits(features);
      return embed_.run({view(features, n, n_features_, seen_[0])}, n, dimensions_, true, out, threads);
    });
  }
  Status filter(Span<const float> features, const EdgeList& edges, Span<float> out, int threads) const override {
    return guarded(filter_, [&] {
      return filter_.run({view(features, hits(features), n_features_, seen_[1]), edge_index(edges, false)}, edges.n(),
                         1, true, out, threads);
    });
  }
  Status classify(Span<const float> features, const EdgeList& edges, Span<float> out, int threads) const override {
    return guarded(gnn_, [&] {
      return gnn_.run({view(features, hits(features), n_features_, seen_[2]), edge_index(edges, both_directions_)},
                      edges.n(), 1, !both_directions_, out, threads);
    });
  }

  NetworkCost embed_cost() const override { return embed_cost_; }
  NetworkCost filter_cost() const override { return filter_cost_; }
  NetworkCost gnn_cost() const override { return gnn_cost_; }

  /// A small event through each network: shapes, operators, and what it costs.
  Status probe() {
    constexpr Index kHits = 512, kEdges = 2048;
    Status status = probe(kHits, 0, embed_cost_.per_hit, [&](const Graph& g) { return embed(g.x, g.out, 1); });
    if (status.ok())
      status =
          probe_graph(kHits, kEdges, filter_cost_, [&](const Graph& g) { return filter(g.x, g.edges(), g.out, 1); });
    if (status.ok())
      status =
          probe_graph(kHits, kEdges, gnn_cost_, [&](const Graph& g) { return classify(g.x, g.edges(), g.out, 1); });
    return status;
  }

 private:
  struct Graph {
    std::vector<float> x;
    std::vector<Index> source, target;
    mutable std::vector<float> out;
    EdgeList edges() const { return {source, target}; }
  };

  std::int64_t hits(Span<const float> features) const {
    return static_cast<std::int64_t>(features.size()) / n_features_;
  }

  Graph make_graph(Index n_hits, Index n_edges) const {
    Graph graph;
    for (std::int64_t k = 0; k < n_hits * n_features_; ++k)
      graph.x.push_back(static_cast<float>(k * 7919 % 1000) / 500.f - 0.999f);
    for (Index e = 0; e < n_edges; ++e) {
      graph.source.push_back(e % n_hits);
      graph.target.push_back((e * 13 + 1) % n_hits);
    }
    graph.out.resize(static_cast<std::size_t>(std::max<std::int64_t>(n_hits * dimensions_, n_edges)));
    return graph;
  }

  template <class Run>
  Status peak_of(Index n_hits, Index n_edges, const Run& run, double& bytes) const {
    const Graph graph = make_graph(n_hits, n_edges);
    const auto peak = std::make_shared<PeakMemory>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, peak);
    const Status status = run(graph);
    bytes = static_cast<double>(peak->peak());
    // what is wrong with a network now is wrong with the model, not with us
    return status.ok() ? status : invalid_argument(status.message());
  }

  template <class Run>
  Status probe(Index n_hits, Index n_edges, double& per_hit, const Run& run) const {
    double bytes = 0;
    const Status status = peak_of(n_hits, n_edges, run, bytes);
    per_hit = bytes / n_hits;
    return status;
  }

  /// Two graphs that differ in their edges, and what is left is the hits'.
  template <class Run>
  Status probe_graph(Index n_hits, Index n_edges, NetworkCost& cost, const Run& run) const {
    double few = 0, many = 0;
    Status status = peak_of(n_hits, n_edges, run, few);
    if (status.ok()) status = peak_of(n_hits, 2 * n_edges, run, many);
    cost.per_edge = std::max(many - few, 0.) / n_edges;
    cost.per_hit = std::max(few - cost.per_edge * n_edges, 0.) / n_hits;
    return status;
  }

  std::int64_t n_features_, dimensions_;
  std::int64_t seen_[3];  // features of each network; 0: all
  bool both_directions_;
  Network embed_, filter_, gnn_;
  NetworkCost embed_cost_, filter_cost_, gnn_cost_;
};

/// Which file it is that cannot be opened.
Status find_bad_file(const Model& model) {
  for (const NetworkFile* file : {&model.embed, &model.filter, &model.gnn}) {
    try {
      const Network opened(*file);
    } catch (const std::exception& error) {
      return invalid_argument(file->path + ": is no TorchScript that can be run here: " + first_lines(error));
    }
  }
  return internal_error(model.folder + ": cannot be opened");
}

}  // namespace

Result<std::shared_ptr<const Networks>> load_networks(const Model& model) {
  try {
    auto networks = std::make_shared<TorchNetworks>(model);
    if (Status status = networks->probe(); !status.ok()) return status;
    return std::shared_ptr<const Networks>(std::move(networks));
  } catch (const std::exception&) {
    return find_bad_file(model);
  }
}

bool has_networks() { return true; }

}  // namespace helix::exatrkx
