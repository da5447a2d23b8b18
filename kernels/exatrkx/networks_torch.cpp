// The networks on the CPU by LibTorch.
#include "kernels/exatrkx/networks_torch.h"

#include "kernels/core/exec_cpu.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

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

// --- on the CPU -----------------------------------------------------------------------------------------------------

/// So many edges that what the network makes of them stays in the cache: docs/performance.md.
constexpr Index kCpuFilterChunk = 8192;

struct CpuScope {
  CpuScope(CpuExec& exec, at::Device) {
    if (at::get_num_threads() != exec.threads()) at::set_num_threads(exec.threads());
  }
};

}  // namespace

Result<std::shared_ptr<const Networks>> load_networks(const Model& model, const NetworkOptions& options) {
  try {
    auto networks =
        std::make_shared<TorchNetworks<CpuExec, CpuScope>>(model, options, at::Device(at::kCPU), kCpuFilterChunk);
    Arena arena(host_memory(), std::size_t{1} << 30);
    CpuExec exec(arena, 1);
    if (Status status = networks->probe(exec); !status.ok()) return status;
    return std::shared_ptr<const Networks>(std::move(networks));
  } catch (const std::exception&) {
    return find_bad_file(model);
  }
}

bool has_networks() { return true; }

}  // namespace helix::exatrkx
