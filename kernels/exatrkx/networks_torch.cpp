// The networks on the CPU by LibTorch.
#include "kernels/exatrkx/networks_torch.h"

#include "kernels/core/exec_cpu.h"
#include "kernels/exatrkx/networks_module.h"
#include "kernels/exatrkx/networks_torch_weights.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

#include <cmath>
#include <tuple>

namespace helix::exatrkx {
namespace {

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

// --- sums over edges in fp32, also where the edges were computed with less: autocast knows no rule for index_add
// --------

Tensor index_add_whole(const Tensor& self, std::int64_t dim, const Tensor& index, const Tensor& source,
                       const at::Scalar& alpha) {
  const c10::impl::ExcludeDispatchKeyGuard once(c10::autocast_dispatch_keyset);
  const at::ScalarType type =
      at::promote_types(at::promote_types(self.scalar_type(), source.scalar_type()), at::kFloat);
  return at::index_add(self.to(type), dim, index, source.to(type), alpha);
}

TORCH_LIBRARY_IMPL(aten, AutocastCPU, library) { library.impl("index_add", &index_add_whole); }
TORCH_LIBRARY_IMPL(aten, AutocastCUDA, library) { library.impl("index_add", &index_add_whole); }

// --- on the CPU -----------------------------------------------------------------------------------------------------

/// So many edges that what the network makes of them stays in the cache: docs/performance.md.
constexpr Index kCpuFilterChunk = 4096;

struct CpuScope {
  CpuScope(CpuExec& exec, at::Device) {
    if (at::get_num_threads() != exec.threads()) at::set_num_threads(exec.threads());
  }
};

using CpuNetworks = TorchNetworks<CpuExec, CpuScope>;

/// Whether our kernels compute what the file's own forward does: its form was known by names alone.
bool same_answers(const Status& a_status, const std::vector<float>& a, const Status& b_status,
                  const std::vector<float>& b) {
  bool same = a_status.ok() && b_status.ok();
  for (std::size_t k = 0; same && k < a.size(); ++k) same = std::fabs(a[k] - b[k]) <= 1e-3f * (1.f + std::fabs(b[k]));
  return same;
}

/// Our kernels for those networks whose form they know.
std::shared_ptr<const Networks> fuse(const Model& model, CpuExec& exec, std::shared_ptr<const CpuNetworks> torch) {
  KnownForms forms{read_embed(torch->embed_network().module()), read_filter(torch->filter_network().module()),
                   read_interaction(torch->gnn_network().module()), read_triplets(torch->gnn_network().module())};
  constexpr Index kHits = 100, kEdges = 400;
  const auto n_features = static_cast<Index>(model.features.size());
  std::vector<float> x, point(static_cast<std::size_t>(kHits * model.dimensions)), logit(kEdges);
  std::vector<Index> source, target;
  for (Index k = 0; k < kHits * n_features; ++k) x.push_back(static_cast<float>(k * 7919 % 1000) / 500.f - 0.999f);
  for (Index e = 0; e < kEdges; ++e) source.push_back(e % kHits), target.push_back((e * 13 + 1) % kHits);
  const EdgeList edges{source, target};

  const std::shared_ptr<const Networks> ours = make_fused_networks(forms, model, torch);
  std::vector<float> expected = point;
  Status mine = ours->embed(exec, x, point), theirs = torch->embed(exec, x, expected);
  if (!same_answers(mine, point, theirs, expected)) forms.embed.reset();
  expected = logit;
  mine = ours->filter(exec, x, edges, logit), theirs = torch->filter(exec, x, edges, expected);
  if (!same_answers(mine, logit, theirs, expected)) forms.filter.reset();
  mine = ours->classify(exec, x, edges, logit), theirs = torch->classify(exec, x, edges, expected);
  if (!same_answers(mine, logit, theirs, expected)) forms.gnn.reset(), forms.triplets.reset();
  return make_fused_networks(forms, model, torch);
}

}  // namespace

Result<std::shared_ptr<const Networks>> load_torch_networks(const Model& model, const NetworkOptions& options) {
  try {
    auto networks = std::make_shared<CpuNetworks>(model, options, at::Device(at::kCPU), kCpuFilterChunk);
    Arena arena(host_memory(), std::size_t{1} << 30);
    CpuExec exec(arena, 1);
    if (Status status = networks->probe(exec); !status.ok()) return status;
    if (options.fused && options.precision == Precision::fp32) return fuse(model, exec, std::move(networks));
    return std::shared_ptr<const Networks>(std::move(networks));
  } catch (const std::exception&) {
    return find_bad_file(model);
  }
}

}  // namespace helix::exatrkx
