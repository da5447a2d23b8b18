#pragma once

// Points of each event in an order in which those near each other stand together, under a tree of boxes: a leaf holds
// eight points, a node above it eight boxes. The order is found from the top: the points of a node are sorted along
// the widest side of its box, which deals them to its eight children in equal parts. So the tree takes the same
// memory for any points, as far apart or as alike as they may be.
#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"
#include "kernels/exatrkx/event_of.h"
#include "kernels/exatrkx/neighbours.h"

#include <array>
#include <cmath>
#include <limits>

namespace helix::exatrkx {

inline constexpr Index kFan = 8;
inline constexpr Index kNoPoint = std::numeric_limits<Index>::max();

/// Numbers of the nodes of one level, each of `width` points of one event, the last of an event fewer. Those of event
/// e begin at begin(e) / width + e: that leaves room for all of them without a scan, and for at most one behind them,
/// which stays empty.
struct NodeRows {
  Offsets events;
  Index width = kFan, n = 0;

  struct Place {
    Index event, row;  // row: number of the node in its event
  };

  HELIX_HD Index first(Index event) const { return events.begin(event) / width + event; }
  HELIX_HD Index at(Place place) const { return first(place.event) + place.row; }
  HELIX_HD Place place(Index node) const {
    Index low = 0, high = events.rows();
    while (high - low > 1) {
      const Index middle = (low + high) / 2;
      (first(middle) <= node ? low : high) = middle;
    }
    return {low, node - first(low)};
  }
};

/// Eight points a leaf, seen as columns [leaf][dimension][8]. Slots behind the end of an event hold NaN and kNoPoint.
template <int D>
struct Leaves {
  NodeRows nodes;
  Span<float> at;        // [leaves * D * 8]
  Span<Index> original;  // [leaves * 8] row of the batch

  HELIX_HD Index n_slots() const { return kFan * nodes.n; }
  HELIX_HD const float* block(Index leaf) const { return at.begin() + std::size_t{D * kFan} * leaf; }
};

/// The boxes of eight children a node, seen as columns [node][dimension][8]. Boxes without points are inside out.
template <int D>
struct Level {
  NodeRows nodes;
  Span<float> low, high;    // [nodes * D * 8]
  Span<Index> first_child;  // [nodes] of the eight, in the level below

  HELIX_HD const float* lows(Index node) const { return low.begin() + std::size_t{D * kFan} * node; }
  HELIX_HD const float* highs(Index node) const { return high.begin() + std::size_t{D * kFan} * node; }
};

/// What eight numbers are spread over; NaN is passed by.
struct Extent {
  float low = std::numeric_limits<float>::infinity(), high = -std::numeric_limits<float>::infinity();
};

HELIX_HD Extent extent_of_eight(const float* lows, const float* highs) {
  Extent e;
  for (Index k = 0; k < kFan; ++k) {
    e.low = smaller(lows[k], e.low);
    e.high = larger(highs[k], e.high);
  }
  return e;
}

namespace tree {

template <int D>
struct FillSlot {
  Points points;
  Span<const Index> order;
  Leaves<D> leaves;

  HELIX_HD void operator()(Index slot) const {
    const auto [event, row] = leaves.nodes.place(slot / kFan);
    const Index lane = slot % kFan, position = points.events.begin(event) + row * kFan + lane;
    const Index from = position < points.events.end(event) ? order[position] : kNoPoint;
    leaves.original[slot] = from;
    float* to = leaves.at.begin() + std::size_t{D * kFan} * (slot / kFan) + lane;
    for (Index d = 0; d < D; ++d) to[d * kFan] = coordinate(from, d);
  }

  HELIX_HD float coordinate(Index from, Index d) const {
    if (from == kNoPoint) return std::numeric_limits<float>::quiet_NaN();
    if (d >= points.dimensions) return 0.f;  // adds nothing to a distance
    return points.at[static_cast<std::size_t>(points.dimensions) * from + d];
  }
};

/// The box of one child, as its parent keeps it; the children of the lowest level are leaves, whose boxes are points.
template <int D>
struct MakeBox {
  NodeRows children;
  Span<const float> child_low, child_high;
  Level<D> level;

  HELIX_HD void operator()(Index i) const {
    const Index node = i / kFan, lane = i % kFan;
    const auto [event, row] = level.nodes.place(node);
    const Index child_row = kFan * row + lane, first = children.at({event, kFan * row});
    if (lane == 0) level.first_child[node] = first;
    const bool used = child_row < (children.events.size(event) + children.width - 1) / children.width;
    const std::size_t from = std::size_t{D * kFan} * (first + lane), to = std::size_t{D * kFan} * node + lane;
    for (Index d = 0; d < D; ++d) {
      Extent e;
      if (used) e = extent_of_eight(child_low.begin() + from + d * kFan, child_high.begin() + from + d * kFan);
      level.low[to + d * kFan] = e.low;
      level.high[to + d * kFan] = e.high;
    }
  }
};

/// Where a node's points are sorted along the widest side of its box: coordinate -> whole number below 2^bits.
struct Split {
  Index dimension;
  float low, scale, most;

  HELIX_HD std::uint32_t rank(float coordinate) const {
    return static_cast<std::uint32_t>(smaller(larger((coordinate - low) * scale, 0.f), most));
  }
};

template <int D>
struct MakeSplit {
  Level<D> level;
  Index dimensions;
  int bits;
  Span<Split> split;

  HELIX_HD void operator()(Index node) const {
    Split s{0, 0.f, 0.f, static_cast<float>((1 << bits) - 1)};
    float widest = 0;
    for (Index d = 0; d < dimensions; ++d) {
      const Extent e = extent_of_eight(level.lows(node) + d * kFan, level.highs(node) + d * kFan);
      if (e.high - e.low > widest) {
        widest = e.high - e.low;
        s = {d, e.low, s.most / widest, s.most};
      }
    }
    split[node] = s;
  }
};

struct MakeKey {
  Points points;
  Span<const Index> order;
  NodeRows nodes;
  Span<const Split> split;
  int bits;
  Span<std::uint64_t> key;

  HELIX_HD void operator()(Index position) const {
    const Index event = event_of(points.events, position);
    const Index node = nodes.at({event, (position - points.events.begin(event)) / nodes.width});
    const Split s = split[node];
    const std::size_t row = static_cast<std::size_t>(points.dimensions) * order[position];
    key[position] = static_cast<std::uint64_t>(node) << bits | s.rank(points.at[row + s.dimension]);
  }
};

struct CountUp {
  Span<Index> order;
  HELIX_HD void operator()(Index i) const { order[i] = i; }
};

struct LargestEvent {
  Offsets events;
  Index* size;
  HELIX_HD void operator()(Index event) const { atomic_max(size, events.size(event)); }
};

inline int bits_of(Index n) {
  int bits = 0;
  for (; n != 0; n >>= 1) ++bits;
  return bits;
}

}  // namespace tree

template <int D>
struct BoxTree {
  static constexpr int kMaxLevels = 9;  // widths of 8^2 to 8^10

  Leaves<D> leaves;
  std::array<Level<D>, kMaxLevels> level;  // from the lowest; the last has one node an event
  int n_levels = 0;

  NodeRows children(int l) const { return l == 0 ? leaves.nodes : level[l - 1].nodes; }
};

/// Fills leaves and boxes of the `n_levels` lowest levels for points in this order.
template <int D>
void fill_tree(Exec& exec, const Points& points, Span<const Index> order, const BoxTree<D>& tree, int n_levels) {
  for_each(exec, tree.leaves.n_slots(), tree::FillSlot<D>{points, order, tree.leaves});
  for (int l = 0; l < n_levels; ++l) {
    const Span<const float> low = l == 0 ? tree.leaves.at : tree.level[l - 1].low;
    const Span<const float> high = l == 0 ? tree.leaves.at : tree.level[l - 1].high;
    for_each(exec, kFan * tree.level[l].nodes.n, tree::MakeBox<D>{tree.children(l), low, high, tree.level[l]});
  }
}

/// Memory for the tree of a batch whose largest event has `largest` points.
template <int D>
BoxTree<D> allocate_tree(Exec& exec, const Points& points, Index largest) {
  BoxTree<D> tree;
  const auto rows = [&](Index width) {
    return NodeRows{points.events, width, points.n() / width + points.events.rows()};
  };
  tree.leaves.nodes = rows(kFan);
  tree.leaves.at = exec.template scratch<float>(D * tree.leaves.n_slots());
  tree.leaves.original = exec.template scratch<Index>(tree.leaves.n_slots());
  Index width = kFan;
  while (width < largest && tree.n_levels < BoxTree<D>::kMaxLevels) {
    width *= kFan;
    Level<D>& level = tree.level[tree.n_levels++];
    level.nodes = rows(width);
    level.low = exec.template scratch<float>(D * kFan * level.nodes.n);
    level.high = exec.template scratch<float>(D * kFan * level.nodes.n);
    level.first_child = exec.template scratch<Index>(level.nodes.n);
  }
  return tree;
}

template <int D>
BoxTree<D> build_tree(Exec& exec, const Points& points) {
  const Index n = points.n();
  auto largest = exec.template scratch<Index>(1);
  fill(exec, largest, Index{0});
  for_each(exec, points.events.rows(), tree::LargestEvent{points.events, largest.begin()});
  const BoxTree<D> tree = allocate_tree<D>(exec, points, exec.sync_read(largest.begin()));

  auto order = exec.template scratch<Index>(n);
  auto key = exec.template scratch<std::uint64_t>(n);
  for_each(exec, n, tree::CountUp{order});
  for (int l = tree.n_levels - 1; l >= 0; --l) {
    const NodeRows& nodes = tree.level[l].nodes;
    // 22 bits are two passes of the CPU's sort; a coarse rank only makes boxes larger
    const int node_bits = tree::bits_of(nodes.n), bits = node_bits > 11 ? 11 : 22 - node_bits;
    auto split = exec.template scratch<tree::Split>(nodes.n);
    fill_tree(exec, points, order, tree, l + 1);
    for_each(exec, nodes.n, tree::MakeSplit<D>{tree.level[l], points.dimensions, bits, split});
    for_each(exec, n, tree::MakeKey{points, order, nodes, split, bits, key});
    sort_by_key(exec, key, order, node_bits + bits);
  }
  fill_tree(exec, points, order, tree, tree.n_levels);
  return tree;
}

}  // namespace helix::exatrkx
