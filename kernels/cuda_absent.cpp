// Stands in for engine_cuda.cpp where the program is built without CUDA.
#include "kernels/engine.h"

namespace helix {

Result<std::unique_ptr<Engine>> make_cuda_engine(const Detector&, const patatrack::Config&, const EngineOptions&) {
  return unavailable("built without CUDA");
}

int cuda_device_count() { return 0; }

}  // namespace helix
