#include "kernels/exatrkx/triplet_messages.h"

#include "kernels/exatrkx/lane_sums.h"
#include "kernels/exatrkx/triplet_geometry.h"

// Eight pairs at a time. Lanes are columns of hidden while rows of edges are read and written, and pairs where a number
// is made for each pair: its norm and its gates.
namespace helix::exatrkx {
namespace {

constexpr int kPairs = kLanes;

Lanes cut_at_0(Lanes x) { return choose(x > 0.f, x, lanes_of(0.f)); }
Lanes sigmoid(Lanes x) { return 1.f / (1.f + exponential(-x)); }

/// Eight pairs from `first` on; those behind the last repeat it.
struct Eight {
  const float *before[kPairs], *after[kPairs], *features[kPairs];
  alignas(sizeof(Lanes)) float hidden[kPairs][kMaxWidth];

  Eight(const Triplets& triplets, const TripletRows& rows, Index first, Index count) {
    for (int i = 0; i < kPairs; ++i) {
      const auto pair = static_cast<std::size_t>(first + std::min(Index{i}, count - 1));
      before[i] = rows.before.row(triplets.before[pair]);
      after[i] = rows.after.row(triplets.after[pair]);
      features[i] = triplets.features.row(static_cast<Index>(pair));
    }
  }

  /// Fills `hidden`, and scales it to variance 1.
  void hide(const TripletRound& round, Index width) {
    Lanes squares[kPairs] = {};
    for (Index c = 0; c < width; c += kLanes) {
      Lanes weight[kTripletGeometry];
      for (int k = 0; k < kTripletGeometry; ++k) weight[k] = load_lanes(round.fit + k * width + c);
      const Lanes bias = load_lanes(round.fit_bias + c);
#pragma GCC unroll 8
      for (int i = 0; i < kPairs; ++i) {
        Lanes sum = load_lanes(before[i] + c) + load_lanes(after[i] + c) + bias;
#pragma GCC unroll 6
        for (int k = 0; k < kTripletGeometry; ++k) sum = fused(lanes_of(features[i][k]), weight[k], sum);
        store_lanes(hidden[i] + c, sum);
        squares[i] = fused(sum, sum, squares[i]);
      }
    }
    scale = 1.f / root(sums_of(squares) / static_cast<float>(width) + round.epsilon);
  }

  void weigh(const TripletRound& round, Index width, Lanes (&gate)[2]) const {
    Lanes behind[kPairs] = {}, ahead[kPairs] = {};
    for (Index c = 0; c < width; c += kLanes) {
      const Lanes w_behind = load_lanes(round.gate_weight[0] + c), w_ahead = load_lanes(round.gate_weight[1] + c);
#pragma GCC unroll 8
      for (int i = 0; i < kPairs; ++i) {
        const Lanes x = seen_by(round.gate, i, c);
        behind[i] = fused(x, w_behind, behind[i]);
        ahead[i] = fused(x, w_ahead, ahead[i]);
      }
    }
    gate[0] = sigmoid(sums_of(behind) + round.gate_bias[0]);
    gate[1] = sigmoid(sums_of(ahead) + round.gate_bias[1]);
  }

  Lanes seen_by(const NormView& norm, int i, Index c) const {
    return cut_at_0(fused(load_lanes(hidden[i] + c) * scale[i], load_lanes(norm.gain + c), load_lanes(norm.shift + c)));
  }

  Lanes scale;
};

}  // namespace

void send_messages(const TripletRound& round, const Triplets& triplets, Index first, Index last,
                   const TripletRows& rows) {
  const Index width = rows.before.width;
  for (; first < last; first += kPairs) {
    const Index count = std::min(Index{kPairs}, last - first);
    Eight eight(triplets, rows, first, count);
    Lanes gate[2];
    eight.hide(round, width);
    eight.weigh(round, width, gate);
    for (int i = 0; i < count; ++i) {
      const auto pair = static_cast<std::size_t>(first + i);
      float *behind = rows.behind.row(triplets.after[pair]), *ahead = rows.ahead.row(triplets.before[pair]);
      const Lanes to_behind = lanes_of(gate[0][i]), to_ahead = lanes_of(gate[1][i]);
      for (Index c = 0; c < width; c += kLanes) {
        const Lanes message = eight.seen_by(round.message, i, c);
        store_lanes(behind + c, fused(message, to_behind, load_lanes(behind + c)));
        store_lanes(ahead + c, fused(message, to_ahead, load_lanes(ahead + c)));
      }
      behind[width] += gate[0][i];
      ahead[width] += gate[1][i];
    }
  }
}

}  // namespace helix::exatrkx
