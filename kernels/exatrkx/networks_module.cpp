// The module's only symbol.
#include "kernels/exatrkx/networks_module.h"

// NOLINTNEXTLINE(readability-identifier-naming): a symbol's name, as dlsym is given it
extern "C" __attribute__((visibility("default"))) const helix::exatrkx::NetworksModule helix_networks{
    HELIX_VERSION, &helix::exatrkx::load_torch_networks,
    HELIX_CUDA_NETWORKS ? &helix::exatrkx::load_torch_cuda_networks : nullptr};
