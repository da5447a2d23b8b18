#include "kernels/exatrkx/neighbours.h"

#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"
#include "kernels/exatrkx/box_tree.h"

#include <algorithm>

// All pairs of one event would do. Here pairs of boxes within the radius are refined from level to level of a tree,
// down to pairs of leaves, whose points are compared eight at a time. Box distances are computed by the same
// operations in the same order as point distances, and rounding keeps order: no pair is lost, without any margin.
//
// A point with more neighbours than it may keep is crowded. Its search looks at boxes of leaves first, and passes by
// those that are no nearer than what it already has: many points upon each other must not cost all of their pairs.
namespace helix::exatrkx {
namespace {

template <int D>
struct Coordinates {
  float at[D];
};

struct Itself {
  template <class Emit>
  HELIX_HD void operator()(Index i, const Emit& emit) const {
    emit(i);
  }
};

/// Nodes within the radius of a node: among the children of those within the radius of its parent.
template <int D>
struct RefineWalk {
  Level<D> level;  // the parents
  NodeRows nodes;
  Ragged near;  // rows of parents
  float radius2;

  template <class Emit>
  HELIX_HD void operator()(Index node, const Emit& emit) const {
    const auto [event, row] = nodes.place(node);
    const Index parent = level.nodes.at({event, row / kFan});
    Coordinates<D> low, high;
    for (Index d = 0; d < D; ++d) {
      low.at[d] = level.lows(parent)[d * kFan + row % kFan];
      high.at[d] = level.highs(parent)[d * kFan + row % kFan];
    }
    for (Index k = near.rows.begin(parent); k < near.rows.end(parent); ++k) {
      const Index other = near.values[k], first = level.first_child[other];
      const float *lows = level.lows(other), *highs = level.highs(other);
      const float reach2 = radius2;
      const auto margin = [=](Index i) {
        float distance2 = 0;
        for (Index d = 0; d < D; ++d) {
          const float gap =
              larger(lows[d * kFan + (i - first)] - high.at[d], low.at[d] - highs[d * kFan + (i - first)]);
          distance2 += larger(gap, 0.f) * larger(gap, 0.f);
        }
        return reach2 - distance2;
      };
      visit_matching(first, first + kFan, margin, emit);
    }
  }
};

/// A neighbour as seen from a point: nearer ones go first, of equal distance those of smaller index.
struct Near {
  float distance2;
  Index index;

  HELIX_HD bool before(const Near& other) const {
    return distance2 < other.distance2 || (distance2 == other.distance2 && index < other.index);
  }
};

/// Points that may be within the radius of a point.
template <int D>
struct Candidates {
  Leaves<D> leaves;
  Ragged near;  // rows of leaves

  HELIX_HD Index most(Index leaf) const { return kFan * near.rows.size(leaf); }

  HELIX_HD Coordinates<D> point(Index slot) const {
    Coordinates<D> p;
    for (Index d = 0; d < D; ++d) p.at[d] = leaves.block(slot / kFan)[d * kFan + slot % kFan];
    return p;
  }

  /// visit(other slot) in leaves up to `last` where distance^2 <= reach, which may shrink under way (negative: enough),
  /// and keep(slot).
  template <class Keep, class Visit>
  HELIX_HD void visit(Index slot, Index last, const float& reach, const Keep& keep, const Visit& visit) const {
    const Coordinates<D> p = point(slot);
    const Index leaf = slot / kFan;
    for (Index k = near.rows.begin(leaf); k < near.rows.end(leaf) && near.values[k] <= last && reach >= 0; ++k) {
      const Index first = kFan * near.values[k];
      const float* at = leaves.block(near.values[k]);
      const float most = reach;
      const auto margin = [=](Index i) {
        float sum = 0;
        for (Index d = 0; d < D; ++d) {
          const float difference = at[d * kFan + (i - first)] - p.at[d];
          sum += difference * difference;
        }
        return keep(i) ? most - sum : -1.f;
      };
      visit_matching(first, first + kFan, margin, visit);
    }
  }
};

/// Whether a leaf has more points within the radius of its box than one of its points may keep.
template <int D>
struct FindBusy {
  Candidates<D> candidates;
  float radius2;
  Index most;
  Span<Index> busy;  // [leaves]

  HELIX_HD void operator()(Index leaf) const {
    busy[leaf] = candidates.most(leaf) > most && count(leaf) > most ? 1 : 0;
  }

  HELIX_HD Index count(Index leaf) const {
    const Ragged& near = candidates.near;
    Coordinates<D> low, high;
    for (Index d = 0; d < D; ++d) {
      const float* own = candidates.leaves.block(leaf) + d * kFan;
      const Extent e = extent_of_eight(own, own);
      low.at[d] = e.low;
      high.at[d] = e.high;
    }
    Index n = -1;  // itself
    for (Index k = near.rows.begin(leaf); k < near.rows.end(leaf) && n <= most; ++k) {
      const float* at = candidates.leaves.block(near.values[k]);
      const float most2 = radius2;
      const auto margin = [=](Index i) {
        float distance2 = 0;
        for (Index d = 0; d < D; ++d) {
          const float gap = larger(larger(at[d * kFan + i] - high.at[d], low.at[d] - at[d * kFan + i]), 0.f);
          distance2 += gap * gap;
        }
        return most2 - distance2;
      };
      visit_matching(0, kFan, margin, [&](Index) { ++n; });
    }
    return n;
  }
};

/// Whether a point has more others within the radius than it may keep.
template <int D>
struct FindCrowded {
  Candidates<D> candidates;
  float radius2;
  Index most;
  Span<const Index> busy;  // [leaves]
  Span<Index> crowded;     // [slots]

  HELIX_HD void operator()(Index slot) const {
    Index n = 0;
    float reach = radius2;
    if (busy[slot / kFan] != 0)
      candidates.visit(
          slot, kNoPoint, reach, [slot](Index other) { return other != slot; },
          [&](Index) {
            if (++n > most) reach = -1;
          });
    crowded[slot] = n > most ? 1 : 0;
  }
};

struct IsCrowded {
  Span<const Index> crowded;
  HELIX_HD bool operator()(Index slot) const { return crowded[slot] != 0; }
};

/// What the points of a leaf are spread over, and the smallest of their rows of the batch.
template <int D>
struct LeafBox {
  float low[D], high[D];
  Index first;

  /// No point of the leaf is nearer to `p`.
  HELIX_HD Near nearest(const Coordinates<D>& p) const {
    float distance2 = 0;
    for (Index d = 0; d < D; ++d) {
      const float gap = larger(larger(low[d] - p.at[d], p.at[d] - high[d]), 0.f);
      distance2 += gap * gap;
    }
    return {distance2, first};
  }
};

template <int D>
struct MakeLeafBox {
  Leaves<D> leaves;
  Span<LeafBox<D>> box;  // [leaves]

  HELIX_HD void operator()(Index leaf) const {
    LeafBox<D> b;
    for (Index d = 0; d < D; ++d) {
      const float* at = leaves.block(leaf) + d * kFan;
      const Extent e = extent_of_eight(at, at);
      b.low[d] = e.low;
      b.high[d] = e.high;
    }
    b.first = kNoPoint;
    for (Index k = 0; k < kFan; ++k) b.first = smaller_index(b.first, leaves.original[kFan * leaf + k]);
    box[leaf] = b;
  }
  static HELIX_HD Index smaller_index(Index a, Index b) { return a < b ? a : b; }
};

/// Points in the order of leaves, where whole leaves are passed by that hold none before a limit.
template <int D>
struct LimitedSearch {
  Candidates<D> candidates;
  Span<const LeafBox<D>> box;  // [leaves]

  /// visit(other) for all other points that may be before `limit`, which may shrink under way, or are it.
  template <class Visit>
  HELIX_HD void operator()(Index slot, const Near& limit, const Visit& visit) const {
    const Coordinates<D> p = candidates.point(slot);
    const Ragged& near = candidates.near;
    const Index leaf = slot / kFan;
    for (Index k = near.rows.begin(leaf); k < near.rows.end(leaf); ++k) {
      const Index other = near.values[k];
      if (limit.before(box[other].nearest(p))) continue;
      const float* at = candidates.leaves.block(other);
      float distance2[kFan] = {};
      for (Index d = 0; d < D; ++d)
        for (Index i = 0; i < kFan; ++i) distance2[i] += (at[d * kFan + i] - p.at[d]) * (at[d * kFan + i] - p.at[d]);
      for (Index i = 0; i < kFan; ++i) {
        if (!(distance2[i] <= limit.distance2) || kFan * other + i == slot)
          continue;  // NaN: no point, or not a near one
        const Near one{distance2[i], candidates.leaves.original[kFan * other + i]};
        if (!limit.before(one)) visit(kFan * other + i, one);
      }
    }
  }
};

/// The `most` nearest of a crowded point, as a heap with the farthest on top: that is the point's limit.
template <int D>
struct FindLimit {
  LimitedSearch<D> search;
  float radius2;
  Index most;
  Span<const Index> slots;
  Span<Near> heaps;  // [slots * most]
  Span<Near> limit;  // [all slots]

  static HELIX_HD void sink(Near* heap, Index n, Near value) {
    Index at = 0;
    for (Index child; (child = 2 * at + 1) < n; at = child) {
      if (child + 1 < n && heap[child].before(heap[child + 1])) ++child;
      if (heap[child].before(value)) break;
      heap[at] = heap[child];
    }
    heap[at] = value;
  }
  static HELIX_HD void rise(Near* heap, Index at, Near value) {
    for (; at > 0 && heap[(at - 1) / 2].before(value); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = value;
  }

  HELIX_HD void operator()(Index i) const {
    const Index slot = slots[i];
    Near* heap = heaps.begin() + static_cast<std::size_t>(most) * i;
    Index n = 0;
    Near farthest{radius2, kNoPoint};
    search(slot, farthest, [&](Index, const Near& one) {
      if (n < most)
        rise(heap, n++, one);
      else
        sink(heap, n, one);
      if (n == most) farthest = heap[0];
    });
    limit[slot] = farthest;
  }
};

/// Points in slots before a point's that it is joined to, where no point is crowded: each pair is met once.
template <int D>
struct PairWalk {
  Candidates<D> candidates;
  float radius2;

  template <class Emit>
  HELIX_HD void operator()(Index slot, const Emit& emit) const {
    candidates.visit(
        slot, slot / kFan, radius2, [slot](Index other) { return other < slot; }, emit);
  }
};

/// The same where some are: each pair is met by its later point, which must have the earlier one within its limit.
template <int D>
struct LimitedWalk {
  LimitedSearch<D> search;
  Span<const Near> limit;  // [slots]

  template <class Emit>
  HELIX_HD void operator()(Index slot, const Emit& emit) const {
    const Index self = search.candidates.leaves.original[slot];
    if (self == kNoPoint) return;
    search(slot, limit[slot], [&](Index other, const Near& one) {
      if (one.index < self) emit(other);
    });
  }
};

/// Pairs of slots as edges of rows of the batch.
struct Pairs {
  Ragged other;  // rows of slots
  Span<const Index> original;
  bool larger_first;

  /// visit(source, target) for the pairs of a slot.
  template <class Visit>
  HELIX_HD void visit(Index slot, const Visit& visit) const {
    const Index self = original[slot];
    for (Index k = other.rows.begin(slot); k < other.rows.end(slot); ++k) {
      const Index to = original[other.values[k]];
      if ((self > to) == larger_first)
        visit(self, to);
      else
        visit(to, self);
    }
  }
};

struct CountEdges {
  Pairs pairs;
  Span<Index> n_edges;  // [points]
  HELIX_HD void operator()(Index slot) const {
    pairs.visit(slot, [&](Index source, Index) { atomic_add(&n_edges[source], Index{1}); });
  }
};

/// In any order within a row: rows are sorted afterwards.
struct WriteEdges {
  Pairs pairs;
  Offsets rows;         // [points + 1]
  Span<Index> n_edges;  // [points] counted down to 0
  Span<Index> target;
  HELIX_HD void operator()(Index slot) const {
    pairs.visit(slot, [&](Index source, Index to) {
      target[rows.begin(source) + atomic_add(&n_edges[source], Index{-1}) - 1] = to;
    });
  }
};

/// In place, without memory. Rows are short, but need not be.
HELIX_HD void sort_ascending(Index* row, Index n) {
  constexpr Index kShort = 24;
  if (n <= kShort) {
    for (Index i = 1; i < n; ++i) {
      const Index value = row[i];
      Index at = i;
      for (; at > 0 && row[at - 1] > value; --at) row[at] = row[at - 1];
      row[at] = value;
    }
    return;
  }
  const auto sink = [row](Index at, Index end) {
    const Index value = row[at];
    for (Index child; (child = 2 * at + 1) < end; at = child) {
      if (child + 1 < end && row[child] < row[child + 1]) ++child;
      if (row[child] <= value) break;
      row[at] = row[child];
    }
    row[at] = value;
  };
  for (Index i = n / 2 - 1; i >= 0; --i) sink(i, n);
  for (Index end = n - 1; end > 0; --end) {
    const Index largest = row[0];
    row[0] = row[end];
    row[end] = largest;
    sink(0, end);
  }
}

struct SortRow {
  Offsets rows;  // [points + 1]
  Span<Index> source, target;
  HELIX_HD void operator()(Index i) const {
    for (Index k = rows.begin(i); k < rows.end(i); ++k) source[k] = i;
    sort_ascending(target.begin() + rows.begin(i), rows.size(i));
  }
};

template <int D>
Candidates<D> find_candidates(Exec& exec, const BoxTree<D>& tree, float radius2) {
  Ragged near = gather_rows(exec, tree.children(tree.n_levels).n, Itself{});
  for (int l = tree.n_levels - 1; l >= 0; --l) {
    const NodeRows nodes = tree.children(l);
    near = gather_rows(exec, nodes.n, RefineWalk<D>{tree.level[l], nodes, near, radius2});
  }
  return {tree.leaves, near};
}

/// Slots of the crowded points.
template <int D>
Span<const Index> find_crowded(Exec& exec, const Candidates<D>& candidates, float radius2, Index most) {
  const Index n_slots = candidates.leaves.n_slots();
  auto busy = exec.template scratch<Index>(candidates.leaves.nodes.n),
       is_crowded = exec.template scratch<Index>(n_slots);
  for_each(exec, candidates.leaves.nodes.n, FindBusy<D>{candidates, radius2, most, busy});
  for_each(exec, n_slots, FindCrowded<D>{candidates, radius2, most, busy, is_crowded});
  return select(exec, n_slots, IsCrowded{is_crowded});
}

template <int D>
LimitedSearch<D> make_search(Exec& exec, const Candidates<D>& candidates) {
  auto box = exec.template scratch<LeafBox<D>>(candidates.leaves.nodes.n);
  for_each(exec, candidates.leaves.nodes.n, MakeLeafBox<D>{candidates.leaves, box});
  return {candidates, box};
}

/// How far each point may see. Heaps are made for some of the crowded points at a time, so that they take little
/// memory.
template <int D>
Span<const Near> find_limits(Exec& exec, const LimitedSearch<D>& search, Span<const Index> crowded, float radius2,
                             Index most) {
  constexpr Index kHeapEntries = 1 << 22;
  auto limit = exec.template scratch<Near>(search.candidates.leaves.n_slots());
  fill(exec, limit, Near{radius2, kNoPoint});
  const auto n = static_cast<Index>(crowded.size());
  const Index step = std::min(n, std::max(Index{1}, kHeapEntries / most));
  auto heaps = exec.template scratch<Near>(step * most);
  for (Index first = 0; first < n; first += step) {
    const Index count = std::min(step, n - first);
    const auto some = crowded.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    for_each(exec, count, FindLimit<D>{search, radius2, most, some, heaps, limit});
  }
  return limit;
}

/// Of each slot the slots that it is joined to, each pair once.
template <int D>
Ragged find_pairs(Exec& exec, const Candidates<D>& candidates, float radius2, Index most) {
  const Index n_slots = candidates.leaves.n_slots();
  const Span<const Index> crowded = find_crowded(exec, candidates, radius2, most);
  if (crowded.empty()) return gather_rows(exec, n_slots, PairWalk<D>{candidates, radius2});
  const LimitedSearch<D> search = make_search(exec, candidates);
  const Span<const Near> limit = find_limits(exec, search, crowded, radius2, most);
  return gather_rows(exec, n_slots, LimitedWalk<D>{search, limit});
}

template <int D>
Edges find_edges(Exec& exec, const Points& points, const GraphConfig& config) {
  const float radius2 = config.radius * config.radius;
  const BoxTree<D> tree = build_tree<D>(exec, points);
  const Candidates<D> candidates = find_candidates(exec, tree, radius2);
  const Index n_slots = tree.leaves.n_slots();
  const Ragged other = find_pairs(exec, candidates, radius2, config.max_neighbours - 1);

  const Pairs pairs{other, tree.leaves.original, config.order == EdgeOrder::larger_first};
  auto n_edges = exec.template scratch<Index>(points.n());
  fill(exec, n_edges, Index{0});
  for_each(exec, n_slots, CountEdges{pairs, n_edges});
  const Offsets rows = exclusive_scan(exec, n_edges);
  const auto n = static_cast<Index>(other.values.size());
  auto source = exec.template scratch<Index>(n), target = exec.template scratch<Index>(n);
  for_each(exec, n_slots, WriteEdges{pairs, rows, n_edges, target});
  for_each(exec, points.n(), SortRow{rows, source, target});
  return {source, target};
}

}  // namespace

Edges find_neighbours(Exec& exec, const Points& points, const GraphConfig& config) {
  exec.begin_stage("neighbours");
  if (points.n() == 0 || config.max_neighbours < 2) return {};  // itself alone
  // dimensions are filled up with zeros, so that few loops need be compiled
  if (points.dimensions <= 4) return find_edges<4>(exec, points, config);
  if (points.dimensions <= 8) return find_edges<8>(exec, points, config);
  if (points.dimensions <= 12) return find_edges<12>(exec, points, config);
  return find_edges<16>(exec, points, config);
}

}  // namespace helix::exatrkx
