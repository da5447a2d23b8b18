#include "kernels/exatrkx/triplet_weights.h"

#include "kernels/exatrkx/edge_geometry.h"
#include "kernels/exatrkx/triplet_geometry.h"

#include <algorithm>

namespace helix::exatrkx {
namespace {

bool shaped(const MlpWeights& net, Index in, Index out) {
  return fits(net) && net.front().in == in && net.back().out == out;
}

bool normed(const NormedWeights& part, Index in, Index out) {
  const auto n = static_cast<std::size_t>(in);
  return part.gain.size() == n && part.shift.size() == n && shaped({part.linear}, in, out);
}

bool fits(const TripletRoundWeights& round, Index width) {
  return shaped({round.before}, width, width) && shaped({round.after}, width, width) &&
         shaped({round.fit}, kTripletGeometry, width) && normed(round.message, width, 2 * width) &&
         normed(round.gate, width, 2) && round.message.epsilon == round.gate.epsilon &&
         shaped(round.edge_net, 5 * width, width) && round.edge_net.front().out % kLanes == 0 &&
         5 * width + 2 <= kMaxInputs;
}

/// Less its mean over the outputs.
LayerWeights centred(LayerWeights layer) {
  const auto in = static_cast<std::size_t>(layer.in), out = static_cast<std::size_t>(layer.out);
  const auto centre = [&](std::vector<float>& values, std::size_t columns) {
    for (std::size_t c = 0; c < columns; ++c) {
      double sum = 0;
      for (std::size_t r = 0; r < out; ++r) sum += double{values[r * columns + c]};
      for (std::size_t r = 0; r < out; ++r)
        values[r * columns + c] = static_cast<float>(double{values[r * columns + c]} - sum / layer.out);
    }
  };
  centre(layer.weight, in);
  centre(layer.bias, 1);
  return layer;
}

/// The first layer of an edge's network behind the linear layer of its messages: inputs e, behind, sum of its gates,
/// ahead, sum of its gates, rivals of two kinds.
LayerWeights joined(const LayerWeights& first, const LayerWeights& message) {
  const auto width = static_cast<std::size_t>(message.in), n = static_cast<std::size_t>(first.in);
  LayerWeights out = first;
  out.in += 2;
  out.weight.clear();
  for (std::size_t r = 0; r < static_cast<std::size_t>(first.out); ++r) {
    const float* row = first.weight.data() + r * n;
    out.weight.insert(out.weight.end(), row, row + width);
    for (std::size_t half = 0; half < 2; ++half) {
      const float* part = row + (1 + half) * width;
      for (std::size_t c = 0; c <= width; ++c) {
        double sum = 0;
        for (std::size_t k = 0; k < width; ++k) {
          const std::size_t from = half * width + k;
          sum += double{part[k]} * double{c < width ? message.weight[from * width + c] : message.bias[from]};
        }
        out.weight.push_back(static_cast<float>(sum));
      }
    }
    out.weight.insert(out.weight.end(), row + 3 * width, row + n);
  }
  return out;
}

const float* copy(const float* from, std::size_t n, Arena& arena) {
  auto* to = static_cast<float*>(arena.take(sizeof(float) * n, "weights"));
  std::copy_n(from, n, to);
  return to;
}
const float* copy(const std::vector<float>& from, Arena& arena) { return copy(from.data(), from.size(), arena); }

void place_edge_net(const TripletRoundWeights& w, Index width, TripletRound& round, Arena& arena) {
  MlpWeights net = w.edge_net;
  net.front() = joined(net.front(), w.message.linear);
  round.edge_net = place(net, arena);
  DenseLayer& first = round.edge_net.layer[0];
  round.behind = first.part(width, width + 1);
  round.ahead = first.part(2 * width + 1, width + 1);
  round.rivals_out = first.part(3 * width + 2, width);
  round.rivals_in = first.part(4 * width + 2, width);
  first.in = width;
}

DenseLayer place_centred(const LayerWeights& layer, Arena& arena) {
  return place(MlpWeights{centred(layer)}, arena).layer[0];
}

TripletRound place_round(const TripletRoundWeights& w, Index width, Arena& arena) {
  TripletRound round;
  round.before = place_centred(w.before, arena);
  round.after = place_centred(w.after, arena);
  const DenseLayer fit = place_centred(w.fit, arena);
  round.fit = fit.weight;
  round.fit_bias = fit.bias;
  round.message = {copy(w.message.gain, arena), copy(w.message.shift, arena)};
  round.gate = {copy(w.gate.gain, arena), copy(w.gate.shift, arena)};
  for (std::size_t k = 0; k < 2; ++k) {
    const auto n = static_cast<std::size_t>(width);
    round.gate_weight[k] = copy(w.gate.linear.weight.data() + k * n, n, arena);
    round.gate_bias[k] = w.gate.linear.bias[k];
  }
  round.epsilon = w.gate.epsilon;
  place_edge_net(w, width, round, arena);
  return round;
}

}  // namespace

bool fits(const TripletWeights& w, Index features) {
  if (!fits(w.edge_encoder)) return false;
  const Index width = w.edge_encoder.back().out;
  return features >= 4 && static_cast<Index>(w.scales.size()) == features && width % kLanes == 0 &&
         shaped(w.edge_encoder, 2 * features + kEdgeGeometry, width) && shaped(w.classifier, width, 1) &&
         std::all_of(w.rounds.begin(), w.rounds.end(),
                     [&](const TripletRoundWeights& round) { return fits(round, width); });
}

TripletNetwork place(const TripletWeights& w, Arena& arena) {
  TripletNetwork out;
  out.scales = copy(w.scales, arena);
  out.edge_encoder = place(w.edge_encoder, arena);
  out.classifier = place(w.classifier, arena);
  for (const TripletRoundWeights& round : w.rounds) out.rounds.push_back(place_round(round, out.width(), arena));
  return out;
}

}  // namespace helix::exatrkx
