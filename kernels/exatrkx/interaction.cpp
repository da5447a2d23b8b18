#include "kernels/exatrkx/interaction.h"

#include "kernels/exatrkx/group.h"
#include "kernels/exatrkx/state_rows.h"

// The first layer of an edge's network is linear in (h[source], h[target], e), so its parts for the ends are made once
// a hit, before the edges, and an edge adds two rows: of three products one is left to be made for each edge.
namespace helix::exatrkx {
namespace {

struct Graph {
  CpuExec& exec;
  const EdgeList& edges;
  Index n_hits;
  Ragged coming, leaving;  // edges of a hit
  Rows h, e;               // states of hits and edges
  Rows from, to;           // [hits] what an edge gets from its ends in the first layer

  void encode_hits(const Interaction& network, const HitRows& hits) const {
    for_each_block(exec, n_hits, [&](Index first, Index count) {
      BlockBuffers buffers;
      const BlockRows in = buffers.first(network.node_encoder);
      for (Index r = 0; r < kBlockRows; ++r)
        std::copy_n(hits.row(first + std::min(r, count - 1)), hits.seen, in.at + r * in.stride);
      copy_block(run_layers(network.node_encoder, 0, in, buffers.second(network.node_encoder)), count, h, first);
    });
  }

  /// The parts of an edge network's first layer that its ends give.
  void prepare_ends(const Mlp& mlp) const {
    const DenseLayer &layer = mlp.layer[0], source = layer.part(0, h.width), target = layer.part(h.width, h.width);
    alignas(64) static constexpr float kZeros[kMaxWidth] = {};
    for_each_block(exec, n_hits, [&](Index first, Index) {  // whole blocks: there is room
      multiply(source, h.row(first), h.width, layer.bias, 0, {from.row(first), from.width});
      multiply(target, h.row(first), h.width, kZeros, 0, {to.row(first), to.width});
    });
  }

  /// A network of (h[source], h[target], e), for a block of edges.
  BlockRows run_block(const Mlp& mlp, Index first, Index count, BlockBuffers& buffers) const {
    const DenseLayer& layer = mlp.layer[0];
    const BlockRows rows = buffers.first(mlp), start = buffers.second(mlp);
    for (Index r = 0; r < kBlockRows; ++r) {
      const auto edge = static_cast<std::size_t>(first + std::min(r, count - 1));
      fetch(from, edges.source, edge + kBlockRows);
      fetch(to, edges.target, edge + kBlockRows);
      const float *a = from.row(edges.source[edge]), *b = to.row(edges.target[edge]);
      for (Index c = 0; c < layer.width; ++c) start.at[r * start.stride + c] = a[c] + b[c];
    }
    multiply(layer.part(2 * h.width, e.width), e.row(first), e.width, start.at, start.stride, rows);
    finish(layer, rows);
    return run_layers(mlp, 1, rows, start);
  }

  void update_edges(const Mlp& mlp) const {
    prepare_ends(mlp);
    for_each_block(exec, edges.n(), [&](Index first, Index count) {
      BlockBuffers buffers;
      add_block(run_block(mlp, first, count, buffers), count, e, first);
    });
  }

  void update_hits(const Mlp& mlp) const {
    for_each_block(exec, n_hits, [&](Index first, Index count) {
      BlockBuffers buffers;
      const BlockRows in = buffers.first(mlp);
      for (Index r = 0; r < kBlockRows; ++r) {
        const Index hit = first + std::min(r, count - 1);
        float* row = std::copy_n(h.row(hit), h.width, in.at + r * in.stride);
        sum_rows(e, coming, hit, row);
        sum_rows(e, leaving, hit, row + e.width);
      }
      add_block(run_layers(mlp, 0, in, buffers.second(mlp)), count, h, first);
    });
  }

  void classify(const Mlp& mlp, Span<float> logit) const {
    prepare_ends(mlp);
    for_each_block(exec, edges.n(), [&](Index first, Index count) {
      BlockBuffers buffers;
      const BlockRows out = run_block(mlp, first, count, buffers);
      for (Index r = 0; r < count; ++r) logit[static_cast<std::size_t>(first + r)] = out.at[r * out.stride];
    });
  }
};

}  // namespace

bool fits(const InteractionWeights& w, Index features) {
  if (!fits(w.node_encoder) || !fits(w.edge_encoder) || !fits(w.classifier)) return false;
  const Index width = w.node_encoder.back().out;
  const auto shaped = [](const MlpWeights& net, Index in, Index out) {
    return fits(net) && net.front().in == in && net.back().out == out;
  };
  const auto all = [&](const std::vector<MlpWeights>& nets) {
    return std::all_of(nets.begin(), nets.end(), [&](const MlpWeights& n) { return shaped(n, 3 * width, width); });
  };
  return features >= 4 && static_cast<Index>(w.scales.size()) == features && width % kLanes == 0 &&
         w.edge_nets.size() == w.node_nets.size() && shaped(w.node_encoder, features, width) &&
         shaped(w.edge_encoder, 2 * features + kEdgeGeometry, width) && all(w.edge_nets) && all(w.node_nets) &&
         shaped(w.classifier, 3 * width, 1);
}

Interaction place(const InteractionWeights& w, Arena& arena) {
  Interaction out;
  auto* scales = static_cast<float*>(arena.take(sizeof(float) * w.scales.size(), "weights"));
  std::copy(w.scales.begin(), w.scales.end(), scales);
  out.scales = scales;
  out.node_encoder = place(w.node_encoder, arena);
  out.edge_encoder = place(w.edge_encoder, arena);
  out.classifier = place(w.classifier, arena);
  for (const MlpWeights& net : w.edge_nets) out.edge_nets.push_back(place(net, arena));
  for (const MlpWeights& net : w.node_nets) out.node_nets.push_back(place(net, arena));
  return out;
}

void classify_edges(CpuExec& exec, const Interaction& network, const HitRows& hits, Index n_hits, const EdgeList& edges,
                    Span<float> logit) {
  Index first_width = network.classifier.layer[0].width;
  for (const Mlp& mlp : network.edge_nets) first_width = std::max(first_width, mlp.layer[0].width);
  const Index width = network.width();
  const Graph graph{exec,
                    edges,
                    n_hits,
                    group_by(exec, edges.target, n_hits),
                    group_by(exec, edges.source, n_hits),
                    make_rows(exec, n_hits, width),
                    make_rows(exec, edges.n(), width),
                    make_rows(exec, n_hits, first_width),
                    make_rows(exec, n_hits, first_width)};
  graph.encode_hits(network, hits);
  encode_edges(exec, network.edge_encoder, hits, network.scales, edges, graph.e);
  for (std::size_t round = 0; round < network.edge_nets.size(); ++round) {
    graph.update_edges(network.edge_nets[round]);
    graph.update_hits(network.node_nets[round]);
  }
  graph.classify(network.classifier, logit);
}

}  // namespace helix::exatrkx
