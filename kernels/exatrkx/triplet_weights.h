#pragma once

#include "kernels/exatrkx/fused.h"
#include "kernels/exatrkx/mlp.h"

namespace helix::exatrkx {

/// ReLU(LayerNorm(hidden)) of a message or a gate: hidden has mean 0, its variance is made once for both.
struct NormView {
  const float *gain = nullptr, *shift = nullptr;  // [width]
};

/// What one round multiplies with. Three things are done to the network's own weights, none of which changes an answer:
/// hidden is made of layers less their means over the outputs, so that norms find a mean of 0; the message's linear
/// layer, as a sum of gated messages is linear in them, is applied to sums of what goes into it, once an edge; and
/// since the edge's network begins with a linear layer too, the two are one.
struct TripletRound {
  DenseLayer before, after;
  const float *fit = nullptr, *fit_bias = nullptr;  // [kTripletGeometry, width], [width]
  NormView message, gate;
  const float* gate_weight[2] = {};  // [width] each: behind, ahead
  float gate_bias[2] = {};
  float epsilon = 0;
  Mlp edge_net;  // its first layer is the part for e
  // The other parts. Of behind and ahead the inputs are a sum of gated messages and the sum of their gates.
  DenseLayer behind, ahead, rivals_out, rivals_in;
};

/// A triplet network whose weights are in place.
struct TripletNetwork {
  const float* scales = nullptr;
  Mlp edge_encoder, classifier;
  std::vector<TripletRound> rounds;

  Index width() const { return edge_encoder.outputs(); }
};

/// Whether all parts fit each other; features: those that the network sees of a hit.
bool fits(const TripletWeights& weights, Index features);
TripletNetwork place(const TripletWeights& weights, Arena& arena);

}  // namespace helix::exatrkx
