#include "kernels/exatrkx/triplet_network.h"

#include "kernels/core/parallel.h"
#include "kernels/exatrkx/group.h"
#include "kernels/exatrkx/triplet_messages.h"

// Edges are put in the order of their sources: those that leave a hit are one piece of memory. All pairs of a hit are
// one task, which alone adds to the sums of the hit's edges: no sum depends on threads or on other events.
namespace helix::exatrkx {
namespace {

struct Graph {
  CpuExec& exec;
  const EdgeList& edges;  // in the order of their sources
  const Offsets& leaving;
  const Triplets& triplets;
  Rows e;  // [edges, width]
  TripletRows rows;
  Rows from, to;  // [hits] what an edge gets from its rivals in the first layer

  void project(const TripletRound& round) const {
    alignas(64) static constexpr float kZeros[kMaxWidth] = {};
    for_each_block(exec, edges.n(), [&](Index first, Index) {  // whole blocks: there is room
      multiply(round.before, e.row(first), e.width, kZeros, 0, {rows.before.row(first), rows.before.width});
      multiply(round.after, e.row(first), e.width, kZeros, 0, {rows.after.row(first), rows.after.width});
    });
  }

  void send(const TripletRound& round) const {
    for_each_block(exec, leaving.rows(), [&](Index first, Index count) {
      const Ragged& coming = triplets.coming;
      const Index end = first + count, sums = rows.behind.width;
      std::fill(rows.behind.row(leaving.begin(first)), rows.behind.row(leaving.begin(end)), 0.f);
      for (Index k = coming.rows.begin(first); k < coming.rows.begin(end); ++k)
        std::fill_n(rows.ahead.row(coming.values[static_cast<std::size_t>(k)]), sums, 0.f);
      send_messages(round, triplets, triplets.first_of(first), triplets.first_of(end), rows);
    });
  }

  /// Sums over the edges of a hit, by their parts of the first layer.
  void compare(const TripletRound& round) const {
    const DenseLayer& first_layer = round.edge_net.layer[0];
    alignas(64) static constexpr float kZeros[kMaxWidth] = {};
    for_each_block(exec, leaving.rows(), [&](Index first, Index count) {
      BlockBuffers buffers;
      const BlockRows out = buffers.first(round.edge_net), in = buffers.second(round.edge_net);
      for (Index r = 0; r < kBlockRows; ++r) {
        const Index hit = first + std::min(r, count - 1);
        sum_leaving(hit, out.at + r * out.stride);
        sum_rows(e, triplets.coming, hit, in.at + r * in.stride);
      }
      multiply(round.rivals_out, out.at, out.stride, first_layer.bias, 0, {from.row(first), from.width});
      multiply(round.rivals_in, in.at, in.stride, kZeros, 0, {to.row(first), to.width});
    });
  }

  void sum_leaving(Index hit, float* out) const {
    std::fill_n(out, e.width, 0.f);
    for (Index k = leaving.begin(hit); k < leaving.end(hit); ++k)
      for (Index c = 0; c < e.width; ++c) out[c] += e.row(k)[c];
  }

  void update(const TripletRound& round) const {
    const DenseLayer& layer = round.edge_net.layer[0];
    for_each_block(exec, edges.n(), [&](Index first, Index count) {
      BlockBuffers buffers;
      const BlockRows sum = buffers.first(round.edge_net);
      for (Index r = 0; r < kBlockRows; ++r) {
        const auto edge = static_cast<std::size_t>(first + std::min(r, count - 1));
        fetch(to, edges.target, edge + kBlockRows);
        const float *a = from.row(edges.source[edge]), *b = to.row(edges.target[edge]);
        for (Index c = 0; c < layer.width; ++c) sum.at[r * sum.stride + c] = a[c] + b[c];
      }
      multiply(layer, e.row(first), e.width, sum.at, sum.stride, sum);
      multiply(round.behind, rows.behind.row(first), rows.behind.width, sum.at, sum.stride, sum);
      multiply(round.ahead, rows.ahead.row(first), rows.ahead.width, sum.at, sum.stride, sum);
      finish(layer, sum);
      add_block(run_layers(round.edge_net, 1, sum, buffers.second(round.edge_net)), count, e, first);
    });
  }

  void classify(const Mlp& mlp, Span<const Index> order, Span<float> logit) const {
    for_each_block(exec, edges.n(), [&](Index first, Index count) {
      BlockBuffers buffers;
      const BlockRows in = buffers.first(mlp);
      for (Index r = 0; r < kBlockRows; ++r) std::copy_n(e.row(first + r), e.width, in.at + r * in.stride);
      const BlockRows out = run_layers(mlp, 0, in, buffers.second(mlp));
      for (Index r = 0; r < count; ++r)
        logit[static_cast<std::size_t>(order[static_cast<std::size_t>(first + r)])] = out.at[r * out.stride];
    });
  }
};

EdgeList reorder(CpuExec& exec, const EdgeList& edges, Span<const Index> order) {
  auto source = exec.scratch<Index>(edges.n()), target = exec.scratch<Index>(edges.n());
  for_each(exec, edges.n(), [&](Index k) {
    const auto at = static_cast<std::size_t>(k), was = static_cast<std::size_t>(order[at]);
    source[at] = edges.source[was];
    target[at] = edges.target[was];
  });
  return {source, target};
}

}  // namespace

void classify_edges(CpuExec& exec, const TripletNetwork& network, const HitRows& hits, Index n_hits,
                    const EdgeList& given, Span<float> logit) {
  const Ragged leaving = group_by(exec, given.source, n_hits);
  const EdgeList edges = reorder(exec, given, leaving.values);
  const Triplets triplets = find_triplets(exec, hits, network.scales, edges, leaving.rows);
  const Index width = network.width(), n = edges.n();
  Index first_width = 0;
  for (const TripletRound& round : network.rounds) first_width = std::max(first_width, round.edge_net.layer[0].width);
  const TripletRows rows{make_rows(exec, n, width), make_rows(exec, n, width), make_rows(exec, n, width + kLanes),
                         make_rows(exec, n, width + kLanes)};
  const Graph graph{exec,
                    edges,
                    leaving.rows,
                    triplets,
                    make_rows(exec, n, width),
                    rows,
                    make_rows(exec, n_hits, first_width),
                    make_rows(exec, n_hits, first_width)};
  encode_edges(exec, network.edge_encoder, hits, network.scales, edges, graph.e);
  for (const TripletRound& round : network.rounds) {
    graph.project(round);
    graph.send(round);
    graph.compare(round);
    graph.update(round);
  }
  graph.classify(network.classifier, leaving.values, logit);
}

}  // namespace helix::exatrkx
