// Stands for networks_torch_cuda.cpp where there is no CUDA, or LibTorch was built without.
#include "kernels/exatrkx/networks.h"

namespace helix::exatrkx {

Result<std::shared_ptr<const CudaNetworks>> load_cuda_networks(const Model& model, const NetworkOptions&, int,
                                                               std::size_t) {
  return unavailable("model " + model.folder + ": this program was built without LibTorch for CUDA");
}

bool has_cuda_networks() { return false; }

}  // namespace helix::exatrkx
