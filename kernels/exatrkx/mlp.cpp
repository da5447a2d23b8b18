#include "kernels/exatrkx/mlp.h"

#include "kernels/exatrkx/lane_sums.h"

#include <algorithm>
#include <cmath>

// A row's sums are made in the order of its inputs, each by one chain of fused steps: the same bits in any block. Lanes
// are outputs, so that weights are read as they lie and rows need not be turned. A tile of 6 rows by 16 outputs is what
// 16 vector registers hold: 12 sums, two weights, one input.
namespace helix::exatrkx {
namespace {

constexpr int kTileRows = 6;
static_assert(kBlockRows % kTileRows == 0);

template <int Vectors>
void multiply_tile(const float* in, Index in_stride, Index n_in, const float* weight, Index width, const float* start,
                   Index start_stride, float* out, Index out_stride) {
  Lanes sum[kTileRows][Vectors];
#pragma GCC unroll 8
  for (int r = 0; r < kTileRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) sum[r][v] = load_lanes(start + r * start_stride + v * kLanes);
  for (Index k = 0; k < n_in; ++k) {
    Lanes w[Vectors];
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) w[v] = load_lanes(weight + static_cast<std::ptrdiff_t>(k) * width + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
      const Lanes x = lanes_of(in[r * in_stride + k]);
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) sum[r][v] = fused(x, w[v], sum[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kTileRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) store_lanes(out + r * out_stride + v * kLanes, sum[r][v]);
}

/// One output: its weights stand one behind the other, and lanes are inputs.
void multiply_to_one(const DenseLayer& layer, const float* in, Index in_stride, const float* start, Index start_stride,
                     BlockRows out) {
  for (Index r = 0; r < kBlockRows; ++r) {
    Lanes sum = lanes_of(0.f);
    for (Index k = 0; k < layer.in; k += kLanes)
      sum = fused(load_lanes(in + r * in_stride + k), load_lanes(layer.weight + k), sum);
    out.at[r * out.stride] = start[r * start_stride] + sum_of(sum);
  }
}

/// Eight rows: what is made of a row's sums is made for all of them at once.
void normalise(const DenseLayer& layer, float* rows, Index stride) {
  const auto n = static_cast<float>(layer.out);
  Lanes sum[kLanes] = {}, squares[kLanes] = {};
  for (Index c = 0; c < layer.width; c += kLanes)
    for (int r = 0; r < kLanes; ++r) sum[r] += load_lanes(rows + r * stride + c);
  const Lanes mean = sums_of(sum) / n;
  for (Index c = 0; c < layer.width; c += kLanes) {
    for (int r = 0; r < kLanes; ++r) {
      const Lanes d = load_lanes(rows + r * stride + c) - mean[r];
      squares[r] = fused(d, d, squares[r]);
    }
  }
  const Lanes scale = 1.f / root(sums_of(squares) / n + layer.epsilon), least = lanes_of(layer.cut ? 0.f : -INFINITY);
  for (Index c = 0; c < layer.width; c += kLanes) {
    const Lanes gain = load_lanes(layer.gain + c), shift = load_lanes(layer.shift + c);
    for (int r = 0; r < kLanes; ++r) {
      const Lanes y = fused((load_lanes(rows + r * stride + c) - mean[r]) * scale[r], gain, shift);
      store_lanes(rows + r * stride + c, choose(y > least, y, least));
    }
  }
}

/// Whether multiply_to_one can make it.
bool is_single(const LayerWeights& w) { return w.out == 1 && w.in % kLanes == 0; }

}  // namespace

DenseLayer DenseLayer::part(Index first, Index n) const {
  DenseLayer out;
  out.in = n;
  out.out = this->out;
  out.width = width;
  out.weight = weight + static_cast<std::ptrdiff_t>(first) * width;
  return out;
}

bool fits(const MlpWeights& weights) {
  if (weights.empty() || weights.size() > kMaxLayers) return false;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const LayerWeights& w = weights[k];
    const auto in = static_cast<std::size_t>(w.in), out = static_cast<std::size_t>(w.out);
    if (w.in < 1 || w.in > kMaxInputs || w.out < 1 || w.out > kMaxWidth) return false;
    if (w.weight.size() != in * out || w.bias.size() != out) return false;
    // zeros beside the outputs would count in a mean
    if (!w.gain.empty() && (w.gain.size() != out || w.shift.size() != out || w.out % kLanes != 0)) return false;
    if (k > 0 && w.in != weights[k - 1].out) return false;
  }
  return true;
}

Mlp place(const MlpWeights& weights, Arena& arena) {
  Mlp mlp;
  const auto column = [&](const std::vector<float>& from, Index rows, Index n, Index width, bool turned) {
    auto* to = static_cast<float*>(arena.take(sizeof(float) * static_cast<std::size_t>(rows * width), "weights"));
    std::fill_n(to, rows * width, 0.f);
    for (Index r = 0; r < rows && !from.empty(); ++r)
      for (Index c = 0; c < n; ++c)
        to[r * width + c] = from[static_cast<std::size_t>(turned ? c * rows + r : r * n + c)];
    return to;
  };
  for (const LayerWeights& w : weights) {
    DenseLayer& layer = mlp.layer[static_cast<std::size_t>(mlp.n_layers++)];
    layer.in = w.in;
    layer.out = w.out;
    layer.width = is_single(w) ? 1 : (w.out + kLanes - 1) / kLanes * kLanes;
    layer.weight = column(w.weight, w.in, w.out, layer.width, true);
    layer.bias = column(w.bias, 1, w.out, layer.width, false);
    layer.gain = column(w.gain, 1, w.out, layer.width, false);
    layer.shift = column(w.shift, 1, w.out, layer.width, false);
    layer.epsilon = w.epsilon;
    layer.norm = !w.gain.empty();
    layer.cut = w.cut;
  }
  return mlp;
}

void multiply(const DenseLayer& layer, const float* in, Index in_stride, const float* start, Index start_stride,
              BlockRows out) {
  if (layer.width == 1) return multiply_to_one(layer, in, in_stride, start, start_stride, out);
  constexpr Index kWide = 2 * kLanes;
  for (Index c = 0; c < layer.width; c += kWide) {  // of a few weights all rows, so that these stay in the cache
    for (Index r = 0; r < kBlockRows; r += kTileRows) {
      const auto tile = c + kWide <= layer.width ? multiply_tile<2> : multiply_tile<1>;
      tile(in + r * in_stride, in_stride, layer.in, layer.weight + c, layer.width, start + r * start_stride + c,
           start_stride, out.at + r * out.stride + c, out.stride);
    }
  }
}

void finish(const DenseLayer& layer, BlockRows rows) {
  static_assert(kBlockRows % kLanes == 0);
  if (layer.norm) {
    for (Index r = 0; r < kBlockRows; r += kLanes) normalise(layer, rows.at + r * rows.stride, rows.stride);
  } else if (layer.cut) {
    for (Index r = 0; r < kBlockRows; ++r)
      for (float* x = rows.at + r * rows.stride; x < rows.at + r * rows.stride + layer.width; ++x)
        *x = *x > 0.f ? *x : 0.f;
  }
}

BlockRows run_layers(const Mlp& mlp, Index first, BlockRows rows, BlockRows other) {
  for (Index k = first; k < mlp.n_layers; ++k) {
    const DenseLayer& layer = mlp.layer[static_cast<std::size_t>(k)];
    multiply(layer, rows.at, rows.stride, layer.bias, 0, other);
    finish(layer, other);
    std::swap(rows, other);
  }
  return rows;
}

}  // namespace helix::exatrkx
