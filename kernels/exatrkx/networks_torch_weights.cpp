#include "kernels/exatrkx/networks_torch_weights.h"

#include <string>

namespace helix::exatrkx {
namespace {

using torch::jit::Module;

std::vector<float> values_of(const Module& module, const char* name) {
  const at::Tensor tensor = module.attr(name).toTensor().to(at::kCPU, at::kFloat).contiguous();
  return {tensor.data_ptr<float>(), tensor.data_ptr<float>() + tensor.numel()};
}

bool has_tensor(const Module& module, const char* name) { return module.hasattr(name) && module.attr(name).isTensor(); }

std::string kind_of(const Module& module) {
  const auto name = module.type()->name();
  return name ? name->name() : std::string();
}

/// Linear, then perhaps LayerNorm, then perhaps ReLU; again.
std::optional<MlpWeights> read_sequence(const Module& module) {
  MlpWeights layers;
  for (const Module& part : module.children()) {
    const std::string kind = kind_of(part);
    if (kind == "Linear" && has_tensor(part, "weight") && has_tensor(part, "bias")) {
      const at::Tensor weight = part.attr("weight").toTensor();
      layers.push_back({static_cast<Index>(weight.size(1)),
                        static_cast<Index>(weight.size(0)),
                        values_of(part, "weight"),
                        values_of(part, "bias"),
                        {},
                        {},
                        0.f,
                        false});
    } else if (kind == "LayerNorm" && has_tensor(part, "weight") && has_tensor(part, "bias") && !layers.empty() &&
               layers.back().gain.empty() && !layers.back().cut) {
      layers.back().gain = values_of(part, "weight");
      layers.back().shift = values_of(part, "bias");
      const auto& type = part.type();
      layers.back().epsilon =
          type->hasConstant("eps") ? static_cast<float>(type->getConstant("eps").toDouble()) : 1e-5f;
    } else if (kind == "ReLU" && !layers.empty()) {
      layers.back().cut = true;
    } else {
      return std::nullopt;
    }
  }
  if (layers.empty()) return std::nullopt;
  return layers;
}

std::optional<MlpWeights> read_part(const Module& module, const char* name) {
  if (!module.hasattr(name) || !module.attr(name).isModule()) return std::nullopt;
  return read_sequence(module.attr(name).toModule());
}

std::optional<std::vector<MlpWeights>> read_list(const Module& module, const char* name) {
  if (!module.hasattr(name) || !module.attr(name).isModule()) return std::nullopt;
  std::vector<MlpWeights> list;
  for (const Module& part : module.attr(name).toModule().children()) {
    std::optional<MlpWeights> net = read_sequence(part);
    if (!net) return std::nullopt;
    list.push_back(*std::move(net));
  }
  return list;
}

}  // namespace

std::optional<MlpWeights> read_embed(const Module& module) { return read_part(module, "net"); }

std::optional<FilterWeights> read_filter(const Module& module) {
  std::optional<MlpWeights> net = read_part(module, "net");
  if (!net || !has_tensor(module, "scales")) return std::nullopt;
  return FilterWeights{values_of(module, "scales"), *std::move(net)};
}

std::optional<InteractionWeights> read_interaction(const Module& module) {
  auto node_encoder = read_part(module, "node_encoder"), edge_encoder = read_part(module, "edge_encoder"),
       classifier = read_part(module, "classifier");
  auto edge_nets = read_list(module, "edge_nets"), node_nets = read_list(module, "node_nets");
  if (!node_encoder || !edge_encoder || !classifier || !edge_nets || !node_nets || !has_tensor(module, "scales"))
    return std::nullopt;
  return InteractionWeights{values_of(module, "scales"), *std::move(node_encoder), *std::move(edge_encoder),
                            *std::move(classifier),      *std::move(edge_nets),    *std::move(node_nets)};
}

}  // namespace helix::exatrkx
