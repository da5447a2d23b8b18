#include "kernels/patatrack/vertices.h"

#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"

#include <cmath>

namespace helix::patatrack {
namespace {

/// The tracks that are near enough to each to be its neighbours, itself among them.
struct FindNeighbours {
  VertexTracks tracks;
  Span<const Index> event;
  float max_distance;  // mm
  Span<Index> first, last;

  HELIX_HD void operator()(Index i) const {
    const Index begin = tracks.events.begin(event[i]), end = tracks.events.end(event[i]);
    const float z = tracks.z[i];
    Index from = i, to = i + 1;
    while (from > begin && z - tracks.z[from - 1] <= max_distance) --from;
    while (to < end && tracks.z[to] - z <= max_distance) ++to;
    first[i] = from, last[i] = to;
  }
};

/// Density of tracks at a track: sum over its neighbours of a biweight of the distance in errors.
struct MakeDensity {
  VertexTracks tracks;
  Span<const Index> first, last;
  float reach, floor;  // errors; mm^2 added to each variance
  Span<float> density;

  HELIX_HD void operator()(Index i) const {
    constexpr Index kBlock = 8;  // sums side by side; what is read behind the last neighbour is not used
    const float z = tracks.z[i], var = tracks.var_z[i] + floor;
    const float *zs = tracks.z.begin(), *vars = tracks.var_z.begin();
    const Index end = last[i];
    float sums[kBlock] = {};
    for (Index block = first[i]; block < end; block += kBlock)
      for (Index k = 0; k < kBlock; ++k) {
        const Index j = block + k;
        const float d = zs[j] - z, both = var + vars[j], part = 1.f - d * d / (reach * reach * both);
        const float weight = part * part / std::sqrt(both);
        sums[k] += j < end && part > 0.f ? weight : 0.f;
      }
    float sum = 0;
    for (const float s : sums) sum += s;
    density[i] = sum;
  }
};

/// The most compatible neighbour of higher density, or the track itself.
struct FindUphill {
  VertexTracks tracks;
  Span<const Index> first, last;
  Span<const float> density;
  float reach, floor;
  Span<Index> uphill;

  HELIX_HD void operator()(Index i) const {
    const float z = tracks.z[i], var = tracks.var_z[i] + floor, mine = density[i];
    float least = reach * reach;
    Index best = i;
    const auto look = [&](Index j) {
      const float d = tracks.z[j] - z, both = var + tracks.var_z[j];
      if (d * d >= least * both) return;  // outwards from the track, so that it soon ends here
      // without branches: none of these can be foreseen
      const int above = density[j] > mine, level = density[j] == mine, before = j < i;
      const bool higher = (above | (level & before)) != 0;
      least = higher ? d * d / both : least;
      best = higher ? j : best;
    };
    for (Index j = i + 1; j < last[i]; ++j) look(j);
    for (Index j = i - 1; j >= first[i]; --j) look(j);
    uphill[i] = best;
  }
};

/// Vertices of one event while they are being made; rows of the event's share of the scratch columns.
struct Workspace {
  Span<float> z, var_z, chi2, sum_pt2;
  Span<Index> n;
  Span<Index> vertex;  // [tracks of the event]
  Span<float> weight;  // [tracks of the event] 1/mm^2
};

/// All that is done an event at a time: the numbers are small.
struct FitEvent {
  VertexTracks tracks;
  Span<const Index> uphill;
  VertexConfig config;
  Workspace all;           // [tracks]: an event's vertices begin where its tracks begin
  Span<Index> n_vertices;  // [events]

  struct Range {
    Index begin, end;
  };

  /// Weighted mean and chi2 of the tracks of each vertex.
  HELIX_HD void fit(Range r, Index count) const {
    for (Index v = r.begin; v < r.begin + count; ++v)
      all.z[v] = all.var_z[v] = all.chi2[v] = all.sum_pt2[v] = 0.f, all.n[v] = 0;
    for (Index i = r.begin; i < r.end; ++i) {
      const Index v = all.vertex[i];
      if (v < 0) continue;
      all.z[v] += all.weight[i] * (tracks.z[i] - tracks.z[r.begin]);
      all.var_z[v] += all.weight[i];
      all.sum_pt2[v] += tracks.pt2[i];
      ++all.n[v];
    }
    for (Index v = r.begin; v < r.begin + count; ++v)
      if (all.n[v] > 0) {
        all.z[v] = tracks.z[r.begin] + all.z[v] / all.var_z[v];
        all.var_z[v] = 1.f / all.var_z[v];
      }
    for (Index i = r.begin; i < r.end; ++i) {
      const Index v = all.vertex[i];
      if (v < 0) continue;
      const float d = tracks.z[i] - all.z[v];
      all.chi2[v] += d * d * all.weight[i];
    }
  }

  /// Closes the gaps that vertices of too few tracks leave. all.n holds the new numbers afterwards: fit again.
  HELIX_HD Index drop_small(Range r, Index count) const {
    for (Index v = r.begin; v < r.begin + count; ++v) all.n[v] = 0;
    for (Index i = r.begin; i < r.end; ++i)
      if (all.vertex[i] >= 0) ++all.n[all.vertex[i]];
    Index kept = 0;
    for (Index v = r.begin; v < r.begin + count; ++v) all.n[v] = all.n[v] >= config.min_tracks ? r.begin + kept++ : -1;
    for (Index i = r.begin; i < r.end; ++i)
      if (all.vertex[i] >= 0) all.vertex[i] = all.n[all.vertex[i]];
    return kept;
  }

  /// Brings the vertices' z into order: a few are out of place. The other columns are left behind: fit again.
  HELIX_HD void order_by_z(Range r, Index count) const {
    for (Index v = r.begin + 1; v < r.begin + count; ++v)
      for (Index k = v; k > r.begin && all.z[k] < all.z[k - 1]; --k) swap(all.z, k, k - 1);
  }

  /// Deals each track to the nearest vertex, if that is near enough: both rise in z. Returns whether any changed.
  HELIX_HD bool deal(Range r, Index count) const {
    bool changed = false;
    const Index last = r.begin + count - 1;
    Index v = r.begin;
    for (Index i = r.begin; i < r.end; ++i) {
      const float z = tracks.z[i];
      while (v < last && std::fabs(z - all.z[v + 1]) < std::fabs(z - all.z[v])) ++v;
      const float d = count > 0 ? z - all.z[v] : 0.f;
      const bool near = count > 0 && d * d * all.weight[i] < config.n_sigma * config.n_sigma;
      const Index vertex = near ? v : -1;
      changed |= vertex != all.vertex[i];
      all.vertex[i] = vertex;
    }
    return changed;
  }

  /// Splits vertex v between two of its tracks where that lowers chi2 most, if by enough. Returns the new count.
  HELIX_HD Index split(Range r, Index count, Index v) const {
    if (all.n[v] < 2 * config.min_tracks || all.chi2[v] < config.split_chi2) return count;
    float whole_w = 0, whole_z = 0;
    const float origin = all.z[v];
    for (Index i = r.begin; i < r.end; ++i)
      if (all.vertex[i] == v) {
        const float w = all.weight[i];
        whole_w += w;
        whole_z += w * (tracks.z[i] - origin);
      }
    float low_w = 0, low_z = 0, most = 0;
    Index n = 0, after = -1;
    for (Index i = r.begin; i < r.end; ++i) {
      if (all.vertex[i] != v) continue;
      const float w = all.weight[i];
      low_w += w;
      low_z += w * (tracks.z[i] - origin);
      if (++n < config.min_tracks || all.n[v] - n < config.min_tracks) continue;
      const float high_w = whole_w - low_w, high_z = whole_z - low_z;
      const float gain = low_z * low_z / low_w + high_z * high_z / high_w - whole_z * whole_z / whole_w;
      if (gain > most) most = gain, after = i;
    }
    if (most < config.split_chi2) return count;
    for (Index i = after + 1; i < r.end; ++i)
      if (all.vertex[i] == v) all.vertex[i] = r.begin + count;
    return count + 1;
  }

  HELIX_HD bool near(Index v, Index u) const { return std::fabs(all.z[v] - all.z[u]) < config.decay_distance; }

  /// Whether v is rather a decay of the harder interaction u than another interaction: close by, where others are few.
  HELIX_HD bool decay_of(Range r, Index count, Index v, Index u) const {
    if (!near(v, u)) return false;
    Index others = 0;
    for (Index w = r.begin; w < r.begin + count; ++w) others += near(w, u) ? 0 : 1;
    return others <= config.decay_max_others;
  }

  /// Leaves out decays. The vertices are in the order of sum_pt2, and stay so.
  HELIX_HD Index drop_decays(Range r, Index count) const {
    Index kept = 0;
    for (Index v = r.begin; v < r.begin + count; ++v) all.n[v] = keeps(r, count, v) ? all.n[v] : 0;
    for (Index v = r.begin; v < r.begin + count; ++v)
      if (all.n[v] > 0) move(v, r.begin + kept++);
    return kept;
  }
  HELIX_HD bool keeps(Range r, Index count, Index v) const {
    for (Index u = r.begin; u < v; ++u)
      if (all.n[u] > 0 && decay_of(r, count, v, u)) return false;
    return true;
  }
  HELIX_HD void move(Index from, Index to) const {
    all.z[to] = all.z[from], all.var_z[to] = all.var_z[from], all.chi2[to] = all.chi2[from];
    all.sum_pt2[to] = all.sum_pt2[from], all.n[to] = all.n[from];
  }

  HELIX_HD void order_by_sum_pt2(Range r, Index count) const {
    for (Index v = r.begin; v < r.begin + count; ++v) {
      Index best = v;
      for (Index k = v + 1; k < r.begin + count; ++k)
        if (all.sum_pt2[k] > all.sum_pt2[best]) best = k;
      swap(all.z, v, best), swap(all.var_z, v, best), swap(all.chi2, v, best), swap(all.sum_pt2, v, best);
      swap(all.n, v, best);
    }
  }
  template <class T>
  static HELIX_HD void swap(Span<T> column, Index a, Index b) {
    const T t = column[a];
    column[a] = column[b];
    column[b] = t;
  }

  HELIX_HD void operator()(Index e) const {
    const Range r{tracks.events.begin(e), tracks.events.end(e)};
    Index count = 0;
    for (Index i = r.begin; i < r.end; ++i) {
      all.weight[i] = 1.f / (tracks.var_z[i] + config.floor * config.floor);
      if (uphill[i] == i) all.vertex[i] = r.begin + count++;
    }
    for (Index i = r.begin; i < r.end; ++i) {
      Index top = i;
      while (uphill[top] != top) top = uphill[top];
      if (top != i) all.vertex[i] = all.vertex[top];
    }
    count = drop_small(r, count);
    fit(r, count);
    bool changed = true;
    for (Index round = 0; round < config.rounds && changed; ++round) {
      const Index before = count;
      for (Index v = r.begin; v < r.begin + before; ++v) count = split(r, count, v);
      if (count > before) fit(r, count);
      order_by_z(r, count);
      changed = deal(r, count);
      count = drop_small(r, count);
      fit(r, count);
    }
    order_by_sum_pt2(r, count);
    n_vertices[e] = drop_decays(r, count);
  }
};

struct EventOfTracks {
  Offsets events;
  Span<Index> event;
  HELIX_HD void operator()(Index e) const {
    for (Index i = events.begin(e); i < events.end(e); ++i) event[i] = e;
  }
};

struct Compact {
  VertexTracks tracks;
  Workspace from;
  Offsets rows;
  Span<float> z, var_z, sum_pt2, chi2;
  Span<Index> n;

  /// Tracks of decays pull a vertex more than their errors say: those of a vertex are scaled until chi2 is what it
  /// should be, never down (Review of Particle Physics, "Treatment of errors").
  HELIX_HD float scale(Index at) const {
    return larger(1.f, from.chi2[at] / larger(static_cast<float>(from.n[at] - 1), 1.f));
  }
  HELIX_HD void operator()(Index e) const {
    for (Index k = 0; k < rows.size(e); ++k) {
      const Index to = rows.begin(e) + k, at = tracks.events.begin(e) + k;
      z[to] = from.z[at];
      var_z[to] = from.var_z[at] * scale(at);
      sum_pt2[to] = from.sum_pt2[at];
      chi2[to] = from.chi2[at];
      n[to] = from.n[at];
    }
  }
};

}  // namespace

VertexTable find_vertices(Exec& exec, const VertexTracks& tracks, const VertexConfig& config) {
  exec.begin_stage("vertices");
  const auto n = static_cast<Index>(tracks.z.size());
  const Index n_events = tracks.events.rows();
  auto event = exec.scratch<Index>(n), uphill = exec.scratch<Index>(n);
  auto density = exec.scratch<float>(n);
  for_each(exec, n_events, EventOfTracks{tracks.events, event});
  const float floor2 = config.floor * config.floor;
  auto first = exec.scratch<Index>(n), last = exec.scratch<Index>(n);
  for_each(exec, n, FindNeighbours{tracks, event, config.max_distance, first, last});
  for_each(exec, n, MakeDensity{tracks, first, last, config.density_reach, floor2, density});
  for_each(exec, n, FindUphill{tracks, first, last, density, config.link_reach, floor2, uphill});
  const Workspace work{exec.scratch<float>(n), exec.scratch<float>(n), exec.scratch<float>(n), exec.scratch<float>(n),
                       exec.scratch<Index>(n), exec.scratch<Index>(n), exec.scratch<float>(n)};
  auto count = exec.scratch<Index>(n_events);
  for_each(exec, n_events, FitEvent{tracks, uphill, config, work, count});
  const Offsets rows = exclusive_scan(exec, count);
  const Index total = exec.sync_read(rows.total());
  const Compact out{tracks,
                    work,
                    rows,
                    exec.scratch<float>(total),
                    exec.scratch<float>(total),
                    exec.scratch<float>(total),
                    exec.scratch<float>(total),
                    exec.scratch<Index>(total)};
  for_each(exec, n_events, out);
  return {rows, out.z, out.var_z, out.sum_pt2, out.chi2, out.n};
}

}  // namespace helix::patatrack
