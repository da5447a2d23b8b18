// The networks on a CUDA device by LibTorch.
#include "kernels/core/exec_cuda.h"
#include "kernels/exatrkx/networks_module.h"
#include "kernels/exatrkx/networks_torch.h"

#include <ATen/Context.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

namespace helix::exatrkx {
namespace {

constexpr Index kCudaFilterChunk = 1 << 20;  // enough to fill a device; not measured

/// LibTorch's kernels, copies and allocations go onto the lane's stream, none onto the default one.
class CudaScope {
 public:
  CudaScope(CudaExec& exec, at::Device device)
      : guard_(c10::cuda::getStreamFromExternal(exec.stream(), device.index())) {}

 private:
  c10::cuda::CUDAStreamGuard guard_;
};

/// A hard limit on what LibTorch takes of the device, for all lanes together: beyond it a network fails with
/// OutOfMemoryError, after what is kept for later was given back.
void limit_memory(int device, std::size_t budget) {
  std::size_t free = 0, total = 0;
  cuda_check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  const double fraction = std::min(1., static_cast<double>(budget) / static_cast<double>(total));
  c10::cuda::CUDACachingAllocator::setMemoryFraction(fraction, static_cast<c10::DeviceIndex>(device));
}

}  // namespace

Result<std::shared_ptr<const CudaNetworks>> load_torch_cuda_networks(const Model& model, const NetworkOptions& options,
                                                                     int device, std::size_t budget) {
  try {
    if (device < 0 || device >= c10::cuda::device_count())
      return unavailable("no CUDA device " + std::to_string(device) + " that LibTorch can use");
    const at::Device on(at::kCUDA, static_cast<c10::DeviceIndex>(device));
    const c10::cuda::CUDAGuard guard(on);
    at::globalContext().lazyInitDevice(at::kCUDA);
    limit_memory(device, budget);
    DeviceMemory memory;
    const Stream stream;
    Arena arena(memory, budget);
    CudaExec exec(arena, stream.get());
    const CudaScope scope(exec, on);  // also what opening them copies
    auto networks = std::make_shared<TorchNetworks<CudaExec, CudaScope>>(model, options, on, kCudaFilterChunk);
    const Status status = networks->probe(exec);
    cuda_check(cudaStreamSynchronize(stream.get()), "cudaStreamSynchronize");
    c10::cuda::CUDACachingAllocator::emptyCache();  // the probe's blocks are tied to its stream
    if (!status.ok()) return status;
    return std::shared_ptr<const CudaNetworks>(std::move(networks));
  } catch (const CudaError& error) {
    return unavailable("CUDA device " + std::to_string(device) + " cannot be used: " + error.what());
  } catch (const c10::OutOfMemoryError& error) {
    return resource_exhausted("model " + model.folder + " does not fit device " + std::to_string(device) + ": " +
                              first_lines(error));
  } catch (const std::exception&) {
    return find_bad_file(model);
  }
}

}  // namespace helix::exatrkx
