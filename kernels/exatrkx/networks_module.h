#pragma once

// LibTorch, and all that calls it, is a module of its own, opened when the first network is: its start takes 0.25 s and
// 112 MiB (with the CUDA half 0.4 s and 466 MiB), which a daemon without models and most commands of helixctl never
// need.
#include "kernels/exatrkx/networks.h"

namespace helix::exatrkx {

/// What the module gives, under the name helix_networks.
struct NetworksModule {
  const char* version;  // of its build: what is passed are C++ objects
  Result<std::shared_ptr<const Networks>> (*load)(const Model& model, const NetworkOptions& options);
  /// Null where LibTorch has no CUDA half.
  Result<std::shared_ptr<const CudaNetworks>> (*load_cuda)(const Model& model, const NetworkOptions& options,
                                                           int device, std::size_t budget);
};

/// ../lib/helix/helix_networks.so from the folder of this program.
std::string networks_module_path();

// Of networks_torch.cpp and networks_torch_cuda.cpp, in the module; see networks.h.
Result<std::shared_ptr<const Networks>> load_torch_networks(const Model& model, const NetworkOptions& options);
Result<std::shared_ptr<const CudaNetworks>> load_torch_cuda_networks(const Model& model, const NetworkOptions& options,
                                                                     int device, std::size_t budget);

}  // namespace helix::exatrkx
