#include "kernels/patatrack/ntuplets.h"

#include "kernels/core/parallel.h"

#include <cmath>

namespace helix::patatrack {
namespace {

struct SearchInput {
  Doublets doublets;
  Connections connections;
  Span<const std::int32_t> preceded;  // [connections]
  float absolute, relative;           // 1/mm and fraction: by how much curvatures may differ
  Index min_hits;

  /// Whether a particle can go on from connection a to connection b, which begins with a's outer doublet.
  HELIX_HD bool continues(Index a, Index b) const {
    const float ka = connections.curvature[a], kb = connections.curvature[b];
    const float larger = std::fabs(ka) > std::fabs(kb) ? std::fabs(ka) : std::fabs(kb);
    return std::fabs(ka - kb) <= absolute + relative * larger;
  }

  HELIX_HD Index next_from(Index connection, Index from) const {
    const Index end = connections.rows.end(connections.outer[connection]);
    while (from < end && !continues(connection, from)) ++from;
    return from;
  }

  /// Depth-first over all maximal paths that begin with connection root: visit(path, length in connections).
  template <class Visit>
  HELIX_HD void visit_paths(Index root, const Visit& visit) const {
    if (preceded[root] != 0) return;
    Index path[kMaxPathHits - 2], cursor[kMaxPathHits - 2];
    Index depth = 0;
    path[0] = root;
    cursor[0] = next_from(root, connections.rows.begin(connections.outer[root]));
    bool leaf = true;
    while (depth >= 0) {
      const Index at = path[depth];
      if (cursor[depth] < connections.rows.end(connections.outer[at]) && depth + 1 < kMaxPathHits - 2) {
        const Index next = cursor[depth];
        cursor[depth] = next_from(at, next + 1);
        ++depth;
        path[depth] = next;
        cursor[depth] = next_from(next, connections.rows.begin(connections.outer[next]));
        leaf = true;
        continue;
      }
      if (leaf && depth + 3 >= min_hits && (depth > 0 || connections.alone[root] != 0)) visit(path, depth + 1);
      leaf = false;
      --depth;
    }
  }
};

struct MarkPreceded {
  SearchInput in;
  Span<std::int32_t> preceded;
  HELIX_HD void operator()(Index a) const {
    const Index d = in.connections.outer[a];
    for (Index b = in.connections.rows.begin(d); b < in.connections.rows.end(d); ++b)
      if (in.continues(a, b)) atomic_max(&preceded[b], 1);
  }
};

struct CountPaths {
  SearchInput in;
  Span<Index> tuples, hits;  // [connections]
  HELIX_HD void operator()(Index root) const {
    Index n = 0, h = 0;
    in.visit_paths(root, [&](const Index*, Index length) { ++n, h += length + 2; });
    tuples[root] = n;
    hits[root] = h;
  }
};

struct FillPaths {
  SearchInput in;
  Offsets tuples, hits;  // rows of each root
  Span<Index> row_end;   // [tuples + 1], entry 0 is set by root 0
  Span<Index> hit;
  HELIX_HD void operator()(Index root) const {
    Index tuple = tuples.begin(root), at = hits.begin(root);
    if (root == 0) row_end[0] = 0;
    in.visit_paths(root, [&](const Index* path, Index length) {
      const Index first = in.connections.inner[path[0]];
      hit[at++] = in.doublets.inner[first];
      hit[at++] = in.doublets.outer[first];
      for (Index k = 0; k < length; ++k) hit[at++] = in.doublets.outer[in.connections.outer[path[k]]];
      row_end[++tuple] = at;
    });
  }
};

}  // namespace

Ntuplets find_ntuplets(Exec& exec, const Doublets& doublets, const Connections& connections,
                       const NtupletConfig& config) {
  exec.begin_stage("ntuplets");
  const Index n = connections.n();
  auto preceded = exec.scratch<std::int32_t>(n);
  fill(exec, preceded, std::int32_t{0});
  const SearchInput in{
      doublets, connections, preceded, config.curvature_absolute, config.curvature_relative, config.triplets ? 3 : 4};
  for_each(exec, n, MarkPreceded{in, preceded});
  auto tuple_count = exec.scratch<Index>(n), hit_count = exec.scratch<Index>(n);
  for_each(exec, n, CountPaths{in, tuple_count, hit_count});
  const Offsets tuples = exclusive_scan(exec, tuple_count), hits = exclusive_scan(exec, hit_count);
  auto rows = exec.scratch<Index>(exec.sync_read(tuples.total()) + 1);
  auto hit = exec.scratch<Index>(exec.sync_read(hits.total()));
  if (n == 0) fill(exec, rows, Index{0});
  for_each(exec, n, FillPaths{in, tuples, hits, rows, hit});
  return {{rows}, hit};
}

}  // namespace helix::patatrack
