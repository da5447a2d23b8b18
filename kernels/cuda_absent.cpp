// Stands in for the engines on CUDA where the program is built without.
#include "kernels/exatrkx/engine.h"

namespace helix {

Result<std::unique_ptr<Engine>> make_cuda_engine(const Detector&, const patatrack::Config&, const EngineOptions&) {
  return unavailable("built without CUDA");
}

Result<std::unique_ptr<Engine>> make_exatrkx_cuda_engine(const exatrkx::Model&,
                                                         std::shared_ptr<const exatrkx::CudaNetworks>,
                                                         const EngineOptions&) {
  return unavailable("built without CUDA");
}

int cuda_device_count() { return 0; }

}  // namespace helix
