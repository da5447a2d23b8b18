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

/// A missing bias is one of zeros.
std::optional<LayerWeights> read_linear(const Module& part) {
  if (kind_of(part) != "Linear" || !has_tensor(part, "weight")) return std::nullopt;
  const at::Tensor weight = part.attr("weight").toTensor();
  LayerWeights layer;
  layer.in = static_cast<Index>(weight.size(1));
  layer.out = static_cast<Index>(weight.size(0));
  layer.weight = values_of(part, "weight");
  layer.bias.resize(static_cast<std::size_t>(layer.out));
  if (has_tensor(part, "bias")) layer.bias = values_of(part, "bias");
  return layer;
}

bool is_norm(const Module& part) {
  return kind_of(part) == "LayerNorm" && has_tensor(part, "weight") && has_tensor(part, "bias");
}

/// Into the members gain, shift, epsilon.
template <class Weights>
void read_norm(const Module& part, Weights& out) {
  out.gain = values_of(part, "weight");
  out.shift = values_of(part, "bias");
  const auto& type = part.type();
  out.epsilon = type->hasConstant("eps") ? static_cast<float>(type->getConstant("eps").toDouble()) : 1e-5f;
}

/// Linear, then perhaps LayerNorm, then perhaps ReLU; again.
std::optional<MlpWeights> read_sequence(const Module& module) {
  MlpWeights layers;
  for (const Module& part : module.children()) {
    if (std::optional<LayerWeights> linear = read_linear(part)) {
      layers.push_back(*std::move(linear));
    } else if (is_norm(part) && !layers.empty() && layers.back().gain.empty() && !layers.back().cut) {
      read_norm(part, layers.back());
    } else if (kind_of(part) == "ReLU" && !layers.empty()) {
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

/// LayerNorm, ReLU, Linear.
std::optional<NormedWeights> read_normed(const Module& module) {
  std::vector<Module> parts;
  for (const Module& part : module.children()) parts.push_back(part);
  if (parts.size() != 3 || !is_norm(parts[0]) || kind_of(parts[1]) != "ReLU") return std::nullopt;
  std::optional<LayerWeights> linear = read_linear(parts[2]);
  if (!linear) return std::nullopt;
  NormedWeights out;
  read_norm(parts[0], out);
  out.linear = *std::move(linear);
  return out;
}

/// All that read() finds in a list of modules.
template <class Weights>
std::optional<std::vector<Weights>> read_list(const Module& module, const char* name,
                                              std::optional<Weights> (*read)(const Module&)) {
  if (!module.hasattr(name) || !module.attr(name).isModule()) return std::nullopt;
  std::vector<Weights> list;
  for (const Module& part : module.attr(name).toModule().children()) {
    std::optional<Weights> net = read(part);
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
  auto edge_nets = read_list(module, "edge_nets", &read_sequence),
       node_nets = read_list(module, "node_nets", &read_sequence);
  if (!node_encoder || !edge_encoder || !classifier || !edge_nets || !node_nets || !has_tensor(module, "scales"))
    return std::nullopt;
  return InteractionWeights{values_of(module, "scales"), *std::move(node_encoder), *std::move(edge_encoder),
                            *std::move(classifier),      *std::move(edge_nets),    *std::move(node_nets)};
}

std::optional<TripletWeights> read_triplets(const Module& module) {
  auto edge_encoder = read_part(module, "edge_encoder"), classifier = read_part(module, "classifier");
  auto before = read_list(module, "before", &read_linear), after = read_list(module, "after", &read_linear),
       fit = read_list(module, "fit", &read_linear);
  auto messages = read_list(module, "messages", &read_normed), gates = read_list(module, "gates", &read_normed);
  auto edge_nets = read_list(module, "edge_nets", &read_sequence);
  if (!edge_encoder || !classifier || !before || !after || !fit || !messages || !gates || !edge_nets ||
      !has_tensor(module, "scales"))
    return std::nullopt;
  const std::size_t n = edge_nets->size();
  for (const std::size_t size : {before->size(), after->size(), fit->size(), messages->size(), gates->size()})
    if (size != n) return std::nullopt;
  TripletWeights out{values_of(module, "scales"), *std::move(edge_encoder), *std::move(classifier), {}};
  for (std::size_t k = 0; k < n; ++k)
    out.rounds.push_back({(*before)[k], (*after)[k], (*fit)[k], (*messages)[k], (*gates)[k], (*edge_nets)[k]});
  return out;
}

}  // namespace helix::exatrkx
