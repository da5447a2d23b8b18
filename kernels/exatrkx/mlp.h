#pragma once

#include "kernels/core/arena.h"
#include "kernels/core/lanes.h"
#include "kernels/core/ragged.h"

#include <array>
#include <vector>

namespace helix::exatrkx {

inline constexpr Index kMaxWidth = 256;  // outputs of a layer
inline constexpr Index kMaxInputs = 3 * kMaxWidth;
inline constexpr Index kMaxLayers = 8;

/// y = x W + b, then perhaps normalised over the outputs and cut at 0.
struct DenseLayer {
  Index in = 0, out = 0, width = 0;  // width: outputs, filled up to whole lanes with zeros; or 1
  const float* weight = nullptr;     // [in * width]
  const float *bias = nullptr, *gain = nullptr, *shift = nullptr;  // [width]
  float epsilon = 0;
  bool norm = false, cut = false;

  /// The layer of some of the inputs: without bias, norm and cut.
  DenseLayer part(Index first, Index n) const;
};

/// Layers one after the other; a view of weights.
struct Mlp {
  std::array<DenseLayer, kMaxLayers> layer{};
  Index n_layers = 0;

  Index inputs() const { return layer[0].in; }
  Index outputs() const { return layer[static_cast<std::size_t>(n_layers - 1)].out; }
};

/// A layer as a model's file holds it.
struct LayerWeights {
  Index in = 0, out = 0;
  std::vector<float> weight;             // [out * in]
  std::vector<float> bias, gain, shift;  // [out]; gain and shift empty: not normalised
  float epsilon = 0;
  bool cut = false;
};
using MlpWeights = std::vector<LayerWeights>;

/// Whether the layers fit each other and the limits above.
bool fits(const MlpWeights& weights);
/// A copy in the arena, in the order that the kernels read it.
Mlp place(const MlpWeights& weights, Arena& arena);

// --- on the CPU: blocks of rows go through all layers while they are in the first-level cache ------------------------

inline constexpr Index kBlockRows = 24;

/// Rows of activations, `stride` apart.
struct BlockRows {
  float* at;
  Index stride;
};

/// out = start + in W: the layer's linear part. `start` may have stride 0: the same for all rows.
void multiply(const DenseLayer& layer, const float* in, Index in_stride, const float* start, Index start_stride,
              BlockRows out);
/// Norm and cut, in place.
void finish(const DenseLayer& layer, BlockRows rows);
/// Layers from `first` on, to and fro between `rows` and `other`, which has as many rows; returns where the answer is.
BlockRows run_layers(const Mlp& mlp, Index first, BlockRows rows, BlockRows other);

}  // namespace helix::exatrkx
