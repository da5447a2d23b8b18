#include "kernels/patatrack/vertices.h"

#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"

#include <cmath>

namespace helix::patatrack {
namespace {

/// Density of tracks at a track: sum over its neighbours of a biweight of the distance in errors.
struct MakeDensity {
  VertexTracks tracks;
  Span<const Index> event;
  float reach, floor;  // errors; mm^2 added to each variance
  float max_distance;  // mm
  Span<float> density;

  HELIX_HD void operator()(Index i) const {
    const Index begin = tracks.events.begin(event[i]), end = tracks.events.end(event[i]);
    const float z = tracks.z[i], var = tracks.var_z[i] + floor;
    float sum = 0;
    const auto add = [&](Index j) {
      const float d = tracks.z[j] - z, both = var + tracks.var_z[j];
      if (d * d >= reach * reach * both) return;
      const float part = 1.f - d * d / (reach * reach * both);
      sum += part * part / std::sqrt(both);
    };
    for (Index j = i; j < end && tracks.z[j] - z <= max_distance; ++j) add(j);
    for (Index j = i - 1; j >= begin && z - tracks.z[j] <= max_distance; --j) add(j);
    density[i] = sum;
  }
};

/// The most compatible neighbour of higher density, or the track itself.
struct FindUphill {
  VertexTracks tracks;
  Span<const Index> event;
  Span<const float> density;
  float reach, floor, max_distance;
  Span<Index> uphill;

  HELIX_HD void operator()(Index i) const {
    const Index begin = tracks.events.begin(event[i]), end = tracks.events.end(event[i]);
    const float z = tracks.z[i], var = tracks.var_z[i] + floor;
    float least = reach * reach;
    Index best = i;
    const auto look = [&](Index j) {
      const bool higher = density[j] > density[i] || (density[j] == density[i] && j < i);
      const float d = tracks.z[j] - z, both = var + tracks.var_z[j];
      if (higher && d * d < least * both) least = d * d / both, best = j;
    };
    for (Index j = i + 1; j < end && tracks.z[j] - z <= max_distance; ++j) look(j);
    for (Index j = i - 1; j >= begin && z - tracks.z[j] <= max_distance; --j) look(j);
    uphill[i] = best;
  }
};

/// Vertices of one event while they are being made; rows of the event's share of the scratch columns.
struct Workspace {
  Span<float> z, var_z, chi2, sum_pt2;
  Span<Index> n;
  Span<Index> vertex;  // [tracks of the event]
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
      const float weight = 1.f / (tracks.var_z[i] + config.floor * config.floor);
      all.z[v] += weight * (tracks.z[i] - tracks.z[r.begin]);
      all.var_z[v] += weight;
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
      all.chi2[v] += d * d / (tracks.var_z[i] + config.floor * config.floor);
    }
  }

  /// Closes the gaps that vertices of too few tracks leave. all.n holds the new numbers afterwards: fit again.
  HELIX_HD Index drop_small(Range r, Index count) const {
    Index kept = 0;
    for (Index v = r.begin; v < r.begin + count; ++v) all.n[v] = all.n[v] >= config.min_tracks ? r.begin + kept++ : -1;
    for (Index i = r.begin; i < r.end; ++i)
      if (all.vertex[i] >= 0) all.vertex[i] = all.n[all.vertex[i]];
    return kept;
  }

  /// Deals each track to the vertex it fits best.
  HELIX_HD void deal(Range r, Index count) const {
    for (Index i = r.begin; i < r.end; ++i) {
      Index best = -1;
      float least = config.n_sigma * config.n_sigma * (tracks.var_z[i] + config.floor * config.floor);
      for (Index v = r.begin; v < r.begin + count; ++v) {
        const float d = tracks.z[i] - all.z[v];
        if (d * d < least) least = d * d, best = v;
      }
      all.vertex[i] = best;
    }
  }

  /// Splits vertex v between two of its tracks where that lowers chi2 most, if by enough. Returns the new count.
  HELIX_HD Index split(Range r, Index count, Index v) const {
    if (all.n[v] < 2 * config.min_tracks || all.chi2[v] < config.split_chi2) return count;
    float whole_w = 0, whole_z = 0;
    const float origin = all.z[v];
    for (Index i = r.begin; i < r.end; ++i)
      if (all.vertex[i] == v) {
        const float w = 1.f / (tracks.var_z[i] + config.floor * config.floor);
        whole_w += w;
        whole_z += w * (tracks.z[i] - origin);
      }
    float low_w = 0, low_z = 0, most = 0;
    Index n = 0, after = -1;
    for (Index i = r.begin; i < r.end; ++i) {
      if (all.vertex[i] != v) continue;
      const float w = 1.f / (tracks.var_z[i] + config.floor * config.floor);
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
    for (Index i = r.begin; i < r.end; ++i)
      if (uphill[i] == i) all.vertex[i] = r.begin + count++;
    for (Index i = r.begin; i < r.end; ++i) {
      Index top = i;
      while (uphill[top] != top) top = uphill[top];
      if (top != i) all.vertex[i] = all.vertex[top];
    }
    fit(r, count);
    count = drop_small(r, count);
    fit(r, count);
    for (Index round = 0; round < config.rounds; ++round) {
      const Index before = count;
      for (Index v = r.begin; v < r.begin + before; ++v) count = split(r, count, v);
      fit(r, count);
      deal(r, count);
      fit(r, count);
      count = drop_small(r, count);
      fit(r, count);
    }
    order_by_sum_pt2(r, count);
    n_vertices[e] = count;
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
  HELIX_HD void operator()(Index e) const {
    for (Index k = 0; k < rows.size(e); ++k) {
      const Index to = rows.begin(e) + k, at = tracks.events.begin(e) + k;
      z[to] = from.z[at];
      var_z[to] = from.var_z[at];
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
  for_each(exec, n, MakeDensity{tracks, event, config.density_reach, floor2, config.max_distance, density});
  for_each(exec, n, FindUphill{tracks, event, density, config.link_reach, floor2, config.max_distance, uphill});
  const Workspace work{exec.scratch<float>(n), exec.scratch<float>(n), exec.scratch<float>(n),
                       exec.scratch<float>(n), exec.scratch<Index>(n), exec.scratch<Index>(n)};
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
