#pragma once

#include "kernels/exatrkx/fused.h"

#include <torch/script.h>

namespace helix::exatrkx {

// Weights out of TorchScript modules whose parts are named as in scripts/exatrkx/networks.py; nullopt: of another form.
// Names are no proof of what forward does: whoever uses them compares answers.
std::optional<MlpWeights> read_embed(const torch::jit::Module& module);
std::optional<FilterWeights> read_filter(const torch::jit::Module& module);
std::optional<InteractionWeights> read_interaction(const torch::jit::Module& module);
std::optional<TripletWeights> read_triplets(const torch::jit::Module& module);

}  // namespace helix::exatrkx
