#pragma once

#include "kernels/engine.h"
#include "kernels/exatrkx/model.h"
#include "kernels/exatrkx/networks.h"

#include <memory>

namespace helix {

/// Exa.TrkX on the CPU. Engines of one model share its networks.
std::unique_ptr<Engine> make_exatrkx_engine(const exatrkx::Model& model,
                                            std::shared_ptr<const exatrkx::Networks> networks,
                                            const EngineOptions& options);

/// The same on options.device, where the networks are too.
/// errors: unavailable where the program was built without CUDA, or there is no such device
Result<std::unique_ptr<Engine>> make_exatrkx_cuda_engine(const exatrkx::Model& model,
                                                         std::shared_ptr<const exatrkx::CudaNetworks> networks,
                                                         const EngineOptions& options);

}  // namespace helix
