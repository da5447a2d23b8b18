#include "kernels/exatrkx/components.h"

#include "kernels/core/parallel.h"
#include "kernels/exatrkx/event_of.h"

// Union-find, all edges at once. A link leads to a smaller index or to itself, so whoever wins a race there are no
// cycles, and the root of a component is its smallest index for any order of the edges.
namespace helix::exatrkx {
namespace {

struct Links {
  Span<Index> link;  // [points]

  /// The root; the path is halved on the way. A link that another body shortened meanwhile may be set back to one of
  /// the point's earlier ancestors: longer, not wrong.
  HELIX_HD Index root(Index i) const {
    Index up = atomic_load(&link[i]);
    while (up != i) {
      const Index above = atomic_load(&link[up]);
      if (above == up) return up;
      atomic_store(&link[i], above);
      i = above;
      up = atomic_load(&link[i]);
    }
    return i;
  }

  /// Rem's algorithm: both paths are walked at once, always on from the larger link, and end where they meet: mostly
  /// at once, as most edges join what is joined already.
  HELIX_HD void join(Index a, Index b) const {
    Index up_a = atomic_load(&link[a]), up_b = atomic_load(&link[b]);
    while (up_a != up_b) {
      if (up_a < up_b) swap(a, b), swap(up_a, up_b);
      if (up_a == a) {
        up_a = atomic_replace(&link[a], a, up_b);
        if (up_a == a) return;
        continue;  // another body was faster
      }
      const Index above = atomic_load(&link[up_a]);
      if (above != up_a) atomic_store(&link[a], above);
      a = up_a;
      up_a = above;
    }
  }

 private:
  static HELIX_HD void swap(Index& a, Index& b) {
    const Index c = a;
    a = b;
    b = c;
  }
};

struct LinkToSelf {
  Links links;
  Span<Index> size;
  HELIX_HD void operator()(Index i) const {
    links.link[i] = i;
    size[i] = 0;
  }
};

struct Above {
  Span<const float> score;
  float cut;
  HELIX_HD bool operator()(Index edge) const { return score[edge] > cut; }
};

/// A first link of each point, to its smallest neighbour: without branches, and in a dense component nearly all that
/// there is to do.
struct LinkToSmallest {
  Span<const Index> joined, source, target;
  Links links;
  HELIX_HD void operator()(Index i) const {
    const Index a = source[joined[i]], b = target[joined[i]];
    atomic_min(&links.link[a < b ? b : a], a < b ? a : b);
  }
};

/// To the root, so that ends that are joined already have equal links, which is what JoinEnds hopes for.
struct Shorten {
  Links links;
  HELIX_HD void operator()(Index i) const { atomic_store(&links.link[i], links.root(i)); }
};

struct JoinEnds {
  Span<const Index> joined, source, target;
  Links links;
  HELIX_HD void operator()(Index i) const { links.join(source[joined[i]], target[joined[i]]); }
};

struct FindRoot {
  Links links;
  Span<Index> root, size;  // [points]; sizes at roots
  HELIX_HD void operator()(Index i) const {
    root[i] = links.root(i);
    atomic_add(&size[root[i]], Index{1});
  }
};

struct MarkFirst {
  Span<const Index> size;
  Index min_hits;
  Span<Index> first;  // [points] 1 at the first point of each component that counts
  HELIX_HD void operator()(Index i) const { first[i] = size[i] > 0 && size[i] >= min_hits ? 1 : 0; }
};

struct NumberRoots {
  Offsets events, numbers;  // numbers.size(i) is 1 at the first point of a component
  Span<Index> number;       // [points] in use at roots
  HELIX_HD void operator()(Index i) const {
    if (numbers.size(i) == 0)
      number[i] = -1;
    else
      number[i] = numbers.begin(i) - numbers.begin(events.begin(event_of(events, i)));
  }
};

struct CountComponents {
  Offsets events, numbers;
  Span<Index> n_components;  // [events]
  HELIX_HD void operator()(Index event) const {
    n_components[event] = numbers.begin(events.end(event)) - numbers.begin(events.begin(event));
  }
};

struct WriteLabel {
  Span<const Index> root, number;
  Span<Index> label;
  HELIX_HD void operator()(Index i) const { label[i] = number[root[i]]; }
};

}  // namespace

Components find_components(Exec& exec, Offsets events, Span<const Index> source, Span<const Index> target,
                           Span<const float> score, float cut, Index min_hits) {
  exec.begin_stage("components");
  const Index n_events = events.rows(), n = n_events == 0 ? 0 : exec.sync_read(events.total());
  const Links links{exec.scratch<Index>(n)};
  auto size = exec.scratch<Index>(n), root = exec.scratch<Index>(n), first = exec.scratch<Index>(n);
  for_each(exec, n, LinkToSelf{links, size});
  const auto joined = select(exec, static_cast<Index>(source.size()), Above{score, cut});
  const auto n_joined = static_cast<Index>(joined.size());
  for_each(exec, n_joined, LinkToSmallest{joined, source, target, links});
  for_each(exec, n, Shorten{links});
  for_each(exec, n_joined, JoinEnds{joined, source, target, links});
  for_each(exec, n, FindRoot{links, root, size});
  for_each(exec, n, MarkFirst{size, min_hits, first});
  const Offsets numbers = exclusive_scan(exec, first);

  auto number = exec.scratch<Index>(n), label = exec.scratch<Index>(n), n_components = exec.scratch<Index>(n_events);
  for_each(exec, n, NumberRoots{events, numbers, number});
  for_each(exec, n_events, CountComponents{events, numbers, n_components});
  for_each(exec, n, WriteLabel{root, number, label});
  return {label, n_components};
}

}  // namespace helix::exatrkx
