#include "kernels/patatrack/doublets.h"

#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"
#include "kernels/core/units.h"
#include "kernels/patatrack/slope.h"
#include "kernels/patatrack/window.h"

#include <cmath>

namespace helix::patatrack {
namespace {

constexpr float kShorterDoublet = 12.f;  // variances of two slopes, times 1.5, over that of the longer doublet

/// Doublets of the layer pairs that skip as many layers.
struct DoubletWalk {
  SortedHits hits;
  DetectorView detector;
  bool skipping;
  float half_curvature;  // 1/mm, at the least pt
  float max_z0;          // mm

  template <class Emit>
  HELIX_HD void visit_pair(Index inner, const LayerPair& pair, const Emit& emit) const {
    const Layer& outer_layer = detector.layers[pair.outer];
    const SortedHits& h = hits;
    const float r = h.r[inner], z = h.z[inner];
    const float inner_coordinate = detector.layers[pair.inner].kind == LayerKind::barrel ? z : r;
    // the ranges of the geometry hold for a beam spot at the origin: what moves with it is small beside their margins
    if (inner_coordinate < pair.inner_min || inner_coordinate > pair.inner_max) return;
    // asin(x) = x + x^3 / 6 + ..: the bending between two radii grows a little faster than their distance
    const float sine = half_curvature * outer_layer.r_max;
    const float bend = half_curvature * (1.f + 0.7f * sine * sine);
    const Turn phi = h.phi[inner];
    const float reach = max_z0, spread = pair.phi;
    const float outer_min = pair.outer_min, outer_max = pair.outer_max;
    const float cot_min = h.cot_min[inner], cot_max = h.cot_max[inner];
    const float *hr = h.r.begin(), *hz = h.z.begin(), *hmin = h.cot_min.begin(), *hmax = h.cot_max.begin();
    const float* hc = outer_layer.kind == LayerKind::barrel ? hz : hr;
    const Turn* hphi = h.phi.begin();
    const auto margin = [=](Index k) {
      const float dr = hr[k] - r, dz = hz[k] - z, slope = std::fabs(dz);
      const float least = larger(cot_min, hmin[k]), most = smaller(cot_max, hmax[k]);
      float m = dr - 1.f;
      m = smaller(m, reach * dr - std::fabs(z * dr - r * dz));
      m = smaller(m, bend * dr + spread - std::fabs(turn_difference(hphi[k], phi)));
      m = smaller(m, smaller(hc[k] - outer_min, outer_max - hc[k]));
      return smaller(m, smaller(slope - least * dr, most * dr - slope));
    };
    const float widest = bend * (outer_layer.r_max + 5.f - r) + spread;
    const auto n_layers = static_cast<Index>(detector.layers.size());
    visit_window(h, h.event[inner] * n_layers + pair.outer, phi, larger(widest, 0.f), margin, emit);
  }

  template <class Emit>
  HELIX_HD void operator()(Index inner, const Emit& emit) const {
    const std::int32_t layer = hits.layer[inner];
    for (Index p = detector.pairs_of_layer.begin(layer); p < detector.pairs_of_layer.end(layer); ++p)
      if ((detector.pairs[p].skips > 0) == skipping) visit_pair(inner, detector.pairs[p], emit);
  }
};

/// Slopes of the doublets of neighbouring layers that end and that begin at a hit, where they are asked for.
struct CollectSlopes {
  SortedHits hits;
  Ragged near, far;
  Span<std::uint64_t> ending, beginning;  // [hits]

  HELIX_HD void operator()(Index inner) const {
    std::uint64_t mine = 0;
    for (Index row = near.rows.begin(inner); row < near.rows.end(inner); ++row) {
      const Index outer = near.values[row];
      const std::uint64_t slope = SlopeSet::of((hits.z[outer] - hits.z[inner]) / (hits.r[outer] - hits.r[inner])).bits;
      mine |= slope;
      if (far.rows.size(outer) > 0) atomic_or(&ending[outer], slope);
    }
    beginning[inner] = mine;
  }
};

/// Of the doublets that skip a layer, those that go on in one that skips none at either end: what has a hole of one
/// layer on one side has none on the other. By chance there are as many skipping doublets as others.
struct KeepSupported {
  SortedHits hits;
  Ragged near, far;
  Span<const std::uint64_t> ending, beginning;  // [hits]
  float n_sigma, largest_inverse_pt2;
  Span<std::int32_t> keep;  // [far doublets]
  Span<Index> count;        // [hits] doublets in the end

  /// As wide as connect_doublets allows at the least pt, whatever the length of the other doublet.
  HELIX_HD std::uint64_t matching(float scattering, float cot, float variance) const {
    return SlopeSet::around(cot, n_sigma * std::sqrt(variance + slope_scatter(scattering, cot) * largest_inverse_pt2))
        .bits;
  }

  HELIX_HD void operator()(Index inner) const {
    const SortedHits& h = hits;
    const std::uint64_t before = ending[inner];
    Index n = near.rows.size(inner);
    for (Index row = far.rows.begin(inner); row < far.rows.end(inner); ++row) {
      const Index outer = far.values[row];
      const std::uint64_t behind = beginning[outer];
      const float inverse = 1.f / (h.r[outer] - h.r[inner]), cot = (h.z[outer] - h.z[inner]) * inverse;
      const float var_z = h.var_z[inner] + h.var_z[outer], var_r = h.var_r[inner] + h.var_r[outer];
      const float variance = kShorterDoublet * (var_z + cot * cot * var_r) * (inverse * inverse);
      // mostly only one end can go on: that end is known by the layer, and foreseen by the processor
      std::uint64_t common = 0;
      if (before != 0) common = before & matching(h.scattering[inner], cot, variance);
      if (behind != 0) common |= behind & matching(h.scattering[outer], cot, variance);
      keep[row] = common != 0 ? 1 : 0;
      n += keep[row];
    }
    count[inner] = n;
  }
};

struct FillBoth {
  Ragged near, far;
  Span<const std::int32_t> keep;
  Offsets rows;
  Span<Index> inner, outer;  // [doublets]
  HELIX_HD void operator()(Index i) const {
    Index at = rows.begin(i);
    for (Index row = near.rows.begin(i); row < near.rows.end(i); ++row, ++at) {
      inner[at] = i;
      outer[at] = near.values[row];
    }
    for (Index row = far.rows.begin(i); row < far.rows.end(i); ++row) {
      if (keep[row] == 0) continue;
      inner[at] = i;
      outer[at++] = far.values[row];
    }
  }
};

struct DescribeDoublets {
  SortedHits hits;
  Span<const Index> inner, outer;
  Span<float> x, y, cot_theta, var_cot, scatter;

  HELIX_HD void operator()(Index d) const {
    const SortedHits& h = hits;
    const Index i = inner[d], o = outer[d];
    const float inverse = 1.f / (h.r[o] - h.r[i]), cot = (h.z[o] - h.z[i]) * inverse;
    const float variance = h.var_z[i] + h.var_z[o] + cot * cot * (h.var_r[i] + h.var_r[o]);
    x[d] = h.x[o];
    y[d] = h.y[o];
    cot_theta[d] = cot;
    var_cot[d] = variance * (inverse * inverse);
    scatter[d] = slope_scatter(h.scattering[o], cot);
  }
};

}  // namespace

Doublets find_doublets(Exec& exec, const SortedHits& hits, const DetectorView& detector, const Config& config) {
  exec.begin_stage("doublets");
  const DoubletConfig& cuts = config.doublets;
  const float bending = 0.5f * kGevPerTeslaMm * detector.field;
  const Index n_hits = hits.n_hits();
  const Ragged near = gather_rows(exec, n_hits, DoubletWalk{hits, detector, false, bending / cuts.min_pt, cuts.max_z0});
  const Ragged far = gather_rows(
      exec, n_hits, DoubletWalk{hits, detector, true, bending / cuts.min_pt_skipping, cuts.max_z0_skipping});

  const CollectSlopes slopes{hits, near, far, exec.scratch<std::uint64_t>(n_hits), exec.scratch<std::uint64_t>(n_hits)};
  fill(exec, slopes.ending, std::uint64_t{0});
  for_each(exec, n_hits, slopes);
  const float least_pt = cuts.min_pt / config.connect.curvature_margin, hidden = config.connect.least_inverse_pt;
  auto keep = exec.scratch<std::int32_t>(static_cast<Index>(far.values.size()));
  auto count = exec.scratch<Index>(n_hits);
  for_each(exec, n_hits,
           KeepSupported{hits, near, far, slopes.ending, slopes.beginning, config.connect.n_sigma,
                         1.f / (least_pt * least_pt) + hidden * hidden, keep, count});
  const Offsets rows = exclusive_scan(exec, count);
  const Index n = exec.sync_read(rows.total());
  const FillBoth both{near, far, keep, rows, exec.scratch<Index>(n), exec.scratch<Index>(n)};
  for_each(exec, n_hits, both);
  const DescribeDoublets columns{hits,
                                 both.inner,
                                 both.outer,
                                 exec.scratch<float>(n),
                                 exec.scratch<float>(n),
                                 exec.scratch<float>(n),
                                 exec.scratch<float>(n),
                                 exec.scratch<float>(n)};
  for_each(exec, n, columns);
  return {rows, both.inner, both.outer, columns.x, columns.y, columns.cot_theta, columns.var_cot, columns.scatter};
}

}  // namespace helix::patatrack
