#include "kernels/exatrkx/walk.h"

#include "kernels/core/parallel.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

// One edge after the other by falling score would do. Here in rounds, all edges at once: an edge that is the best of
// those left at both of its ends is taken, as nothing that comes before it can be in its way; then what shares an end
// with it, in the same direction, is dropped. The result is the same.
namespace helix::exatrkx {
namespace {

constexpr Index kNone = std::numeric_limits<Index>::max();

struct AboveCut {
  Span<const float> logit;
  float cut;
  HELIX_HD bool operator()(Index edge) const { return logit[edge] > cut; }
};

/// Rising keys for falling scores.
struct MakeKey {
  Span<const float> logit;
  Span<const Index> edge;
  Span<std::uint64_t> key;
  HELIX_HD void operator()(Index rank) const {
    const auto bits = std::bit_cast<std::uint32_t>(logit[edge[rank]] + 0.f);  // no -0
    key[rank] = (bits >> 31) != 0 ? bits : ~bits & 0x7fffffffu;
  }
};

/// Edges in the order of their rank.
struct Ranked {
  Span<const Index> source, target;  // [edges]
  Span<const Index> edge;            // [ranks]
  Span<std::uint8_t> state;          // [ranks]

  HELIX_HD Index from(Index rank) const { return source[edge[rank]]; }
  HELIX_HD Index to(Index rank) const { return target[edge[rank]]; }
};
enum State : std::uint8_t { kOpen, kTaken, kDropped };

/// Best of the open edges that leave a hit, and that come to it.
struct Best {
  Span<Index> leaving, coming;               // [hits]
  Span<std::uint8_t> has_left, has_arrived;  // [hits]
};

struct OfferEdge {
  Ranked ranked;
  Best best;
  Index* n_open;
  HELIX_HD void operator()(Index rank) const {
    if (ranked.state[rank] != kOpen) return;
    const Index from = ranked.from(rank), to = ranked.to(rank);
    if (best.has_left[from] != 0 || best.has_arrived[to] != 0) {
      ranked.state[rank] = kDropped;
      return;
    }
    atomic_min(&best.leaving[from], rank);
    atomic_min(&best.coming[to], rank);
    atomic_max(n_open, Index{1});
  }
};

struct TakeEdge {
  Ranked ranked;
  Best best;
  HELIX_HD void operator()(Index rank) const {
    if (ranked.state[rank] != kOpen) return;
    const Index from = ranked.from(rank), to = ranked.to(rank);
    if (best.leaving[from] != rank || best.coming[to] != rank) return;
    ranked.state[rank] = kTaken;
    best.has_left[from] = 1;
    best.has_arrived[to] = 1;
  }
};

struct WriteChain {
  Ranked ranked;
  Span<const float> logit;
  Span<Index> source, target;
  Span<float> score;  // not above any cut: not taken
  HELIX_HD void operator()(Index rank) const {
    source[rank] = ranked.from(rank);
    target[rank] = ranked.to(rank);
    score[rank] = ranked.state[rank] == kTaken ? logit[ranked.edge[rank]] : -INFINITY;
  }
};

void take_best_edges(Exec& exec, const Ranked& ranked, Index n_hits) {
  const auto n = static_cast<Index>(ranked.edge.size());
  const Best best{exec.scratch<Index>(n_hits), exec.scratch<Index>(n_hits), exec.scratch<std::uint8_t>(n_hits),
                  exec.scratch<std::uint8_t>(n_hits)};
  fill(exec, ranked.state, std::uint8_t{kOpen});
  fill(exec, best.has_left, std::uint8_t{0});
  fill(exec, best.has_arrived, std::uint8_t{0});
  auto n_open = exec.scratch<Index>(1);
  do {
    for (Index round = 0; round < Exec::kRoundsBetweenReads; ++round) {
      fill(exec, best.leaving, kNone);
      fill(exec, best.coming, kNone);
      fill(exec, n_open, Index{0});
      for_each(exec, n, OfferEdge{ranked, best, n_open.begin()});
      for_each(exec, n, TakeEdge{ranked, best});
    }
  } while (exec.sync_read(n_open.begin()) != 0);
}

}  // namespace

Components walk_tracks(Exec& exec, Offsets events, Index n_hits, const EdgeList& edges, Span<const float> logit,
                       float cut, float join_cut, Index min_hits) {
  // one rule for both: by falling score all edges above cut come before those that join
  const float least = std::min(cut, join_cut);
  const Span<Index> edge = select(exec, edges.n(), AboveCut{logit, least});
  const auto n = static_cast<Index>(edge.size());
  auto key = exec.scratch<std::uint64_t>(n);
  for_each(exec, n, MakeKey{logit, edge, key});
  sort_by_key(exec, key, edge, 32);
  const Ranked ranked{edges.source, edges.target, edge, exec.scratch<std::uint8_t>(n)};
  take_best_edges(exec, ranked, n_hits);
  const WriteChain chain{ranked, logit, exec.scratch<Index>(n), exec.scratch<Index>(n), exec.scratch<float>(n)};
  for_each(exec, n, chain);
  return find_components(exec, events, chain.source, chain.target, chain.score, least, min_hits);
}

}  // namespace helix::exatrkx
