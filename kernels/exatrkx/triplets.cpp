#include "kernels/exatrkx/triplets.h"

#include "kernels/core/parallel.h"
#include "kernels/exatrkx/group.h"
#include "kernels/exatrkx/triplet_geometry.h"

// What needs two hits alone (angles, logarithms) is made once an edge. A third of all pairs passes the cuts: these are
// looked for by the plain fit, and features made of those that are found.
namespace helix::exatrkx {
namespace {

/// LaneEdges in memory, a column each member.
struct EdgeColumns {
  Span<float> column[kEdgeColumns];

  template <class Column>
  static LaneEdge make(const Column& c) {
    return {c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9)};
  }
  /// An edge a lane: index(i) in lane i.
  template <class At>
  LaneEdge gather(const At& at) const {
    return make([&](int c) { return make_lanes([&](int i) { return column[c][at(i)]; }); });
  }
  /// One edge in all lanes.
  LaneEdge repeat(Index edge) const {
    return make([&](int c) { return lanes_of(column[c][static_cast<std::size_t>(edge)]); });
  }
  LaneEdge load(Index first) const {
    return make([&](int c) { return load_lanes(column[c].begin() + first); });
  }
  void store(Index first, const LaneEdge& e) const {
    const Lanes members[] = {e.x, e.y, e.z, e.length, e.angle, e.log_length, e.slope, e.end_x, e.end_y, e.end_r};
    for (int c = 0; c < kEdgeColumns; ++c) store_lanes(column[c].begin() + first, members[c]);
  }
};

Index n_blocks(Index n) { return n / kLanes + (n % kLanes != 0 ? 1 : 0); }

/// Columns have room behind their ends: whole lanes are written, the last edge again and again.
EdgeColumns measure_edges(CpuExec& exec, const HitRows& hits, const float* scales, const EdgeList& edges) {
  static_assert(kReadAhead >= kLanes);
  EdgeColumns out;
  for (Span<float>& column : out.column) column = exec.scratch<float>(edges.n());
  for_each(exec, n_blocks(edges.n()), [&](Index block) {
    const auto hit = [&](const Span<const Index>& end) {
      const auto column = [&](Index c) {
        return make_lanes([&](int i) {
          return hits.row(end[static_cast<std::size_t>(std::min(block * kLanes + i, edges.n() - 1))])[c];
        });
      };
      return LaneScaledHit{column(0), column(1), column(2), column(3)};
    };
    out.store(block * kLanes, measure_edge(hit(edges.source), hit(edges.target), scales[0], scales[3]));
  });
  return out;
}

/// For each edge that comes to a hit, those leaving it that fit.
Ragged find_next(CpuExec& exec, const EdgeColumns& columns, const EdgeList& edges, Span<const Index> coming,
                 const Offsets& leaving) {
  return gather_rows(exec, edges.n(), [&](Index i, const RowEmitter& emit) {
    const Index p = coming[static_cast<std::size_t>(i)], b = edges.target[static_cast<std::size_t>(p)];
    const LaneEdge edge = columns.repeat(p);
    for (Index q = leaving.begin(b); q < leaving.end(b); q += kLanes) {
      alignas(sizeof(Lanes)) float margins[kLanes];
      store_lanes(margins, margin_of(fit_triplet(edge, columns.load(q))));
      const Index n = std::min(leaving.end(b) - q, Index{kLanes});
      emit.matching(q, matching_of_eight(margins) & ((1u << n) - 1));
    }
  });
}

void describe(CpuExec& exec, const EdgeColumns& columns, const Triplets& triplets) {
  const auto n = static_cast<Index>(triplets.after.size());
  for_each(exec, n_blocks(n), [&](Index block) {
    const auto pair = [&](int i) { return static_cast<std::size_t>(std::min(block * kLanes + i, n - 1)); };
    Lanes features[kTripletGeometry];
    describe_triplet(columns.gather([&](int i) { return triplets.before[pair(i)]; }),
                     columns.gather([&](int i) { return triplets.after[pair(i)]; }), features);
    for (int i = 0; i < kLanes; ++i)  // rows have room for a block behind the last
      for (int c = 0; c < kTripletGeometry; ++c) triplets.features.row(block * kLanes + i)[c] = features[c][i];
  });
}

}  // namespace

Triplets find_triplets(CpuExec& exec, const HitRows& hits, const float* scales, const EdgeList& edges,
                       const Offsets& leaving) {
  const EdgeColumns columns = measure_edges(exec, hits, scales, edges);
  const Ragged coming = group_by(exec, edges.target, leaving.rows());
  const Ragged next = find_next(exec, columns, edges, coming.values, leaving);
  const auto n = static_cast<Index>(next.values.size());
  auto before = exec.scratch<Index>(n);
  for_each(exec, edges.n(), [&](Index i) {
    std::fill(before.begin() + next.rows.begin(i), before.begin() + next.rows.end(i),
              coming.values[static_cast<std::size_t>(i)]);
  });
  const Triplets out{coming, next.rows, before, next.values, make_rows(exec, n, kTripletGeometry)};
  describe(exec, columns, out);
  return out;
}

}  // namespace helix::exatrkx
