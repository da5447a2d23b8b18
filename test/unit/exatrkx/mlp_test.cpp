// Layers on blocks of rows against sums in double precision.
#include "kernels/exatrkx/mlp.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

namespace helix::exatrkx {
namespace {

LayerWeights random_layer(Index in, Index out, bool norm, bool cut, std::mt19937& random) {
  std::normal_distribution<float> gauss;
  LayerWeights layer{in, out, {}, {}, {}, {}, 1e-5f, cut};
  const auto fill = [&](std::vector<float>& to, Index n, float size) {
    for (Index k = 0; k < n; ++k) to.push_back(size * gauss(random));
  };
  fill(layer.weight, in * out, 1 / std::sqrt(static_cast<float>(in)));
  fill(layer.bias, out, 1);
  if (norm) fill(layer.gain, out, 1), fill(layer.shift, out, 1);
  return layer;
}

std::vector<double> apply_layer(const LayerWeights& layer, const std::vector<double>& in) {
  std::vector<double> out;
  const auto n_in = static_cast<std::size_t>(layer.in), n_out = static_cast<std::size_t>(layer.out);
  double mean = 0, square = 0;
  for (std::size_t o = 0; o < n_out; ++o) {
    double sum = layer.bias[o];
    for (std::size_t k = 0; k < n_in; ++k) sum += double{layer.weight[o * n_in + k]} * in[k];
    out.push_back(sum);
    mean += sum / layer.out;
  }
  for (const double y : out) square += (y - mean) * (y - mean) / layer.out;
  for (std::size_t o = 0; o < n_out; ++o) {
    if (!layer.gain.empty()) out[o] = (out[o] - mean) / std::sqrt(square + 1e-5) * layer.gain[o] + layer.shift[o];
    if (layer.cut) out[o] = std::max(out[o], 0.);
  }
  return out;
}

TEST_CASE("mlp: blocks of rows give the sums of each row, for widths of whole vectors and others") {
  std::mt19937 random(4);
  // one tile and its half, several, odd numbers without norm, one output
  const std::vector<Index> sizes = GENERATE(values<std::vector<Index>>(
      {{4, 8}, {15, 16, 1}, {15, 64, 64, 1}, {7, 24, 40, 3}, {4, 5, 1}, {144, 48, 48}, {4, 256, 8}}));
  MlpWeights weights;
  for (std::size_t k = 1; k < sizes.size(); ++k) {
    const bool inner = k + 1 < sizes.size();
    weights.push_back(random_layer(sizes[k - 1], sizes[k], inner && sizes[k] % 8 == 0, inner, random));
  }
  REQUIRE(fits(weights));
  Arena arena(host_memory(), std::size_t{1} << 24);
  const Mlp mlp = place(weights, arena);
  constexpr Index kStride = 272;
  std::vector<float> rows(kBlockRows * kStride), other(rows.size());
  std::vector<std::vector<double>> in(kBlockRows);
  std::normal_distribution<float> gauss;
  for (Index r = 0; r < kBlockRows; ++r)
    for (Index k = 0; k < sizes[0]; ++k) {
      rows[static_cast<std::size_t>(r * kStride + k)] = gauss(random);
      in[static_cast<std::size_t>(r)].push_back(rows[static_cast<std::size_t>(r * kStride + k)]);
    }
  const BlockRows out = run_layers(mlp, 0, {rows.data(), kStride}, {other.data(), kStride});
  for (Index r = 0; r < kBlockRows; ++r) {
    std::vector<double> expected = in[static_cast<std::size_t>(r)];
    for (const LayerWeights& layer : weights) expected = apply_layer(layer, expected);
    for (Index c = 0; c < sizes.back(); ++c)
      CHECK(out.at[r * out.stride + c] == Approx(expected[static_cast<std::size_t>(c)]).epsilon(1e-4).margin(2e-5));
  }
}

TEST_CASE("mlp: layers that do not fit each other, or the kernels, are told apart") {
  std::mt19937 random(4);
  const auto layer = [&](Index in, Index out, bool norm) { return random_layer(in, out, norm, true, random); };
  CHECK(fits({layer(4, 16, true), layer(16, 1, false)}));
  CHECK_FALSE(fits(MlpWeights{}));
  CHECK_FALSE(fits({layer(4, 16, true), layer(8, 1, false)}));
  CHECK_FALSE(fits({layer(4, 12, true)}));  // a mean over twelve outputs: not made of whole vectors
  CHECK_FALSE(fits({layer(4, kMaxWidth + 8, true)}));
  CHECK_FALSE(fits(MlpWeights(kMaxLayers + 1, layer(8, 8, true))));
}

}  // namespace
}  // namespace helix::exatrkx
