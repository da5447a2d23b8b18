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

/// Variance of z of a hit where its layer is crossed at fixed r: errors of r count by the slope.
struct ErrorOfZ {
  float var_v;
  bool barrel;
  HELIX_HD explicit ErrorOfZ(const Layer& layer) : var_v(layer.var_v), barrel(layer.kind == LayerKind::barrel) {}
  HELIX_HD float at(float cot) const { return barrel ? var_v : var_v * cot * cot; }
};

struct DoubletWalk {
  SortedHits hits;
  Overlaps overlaps;
  DetectorView detector;
  float half_curvature, half_curvature_skipping;  // 1/mm, at the least pt of neighbouring and of skipping pairs
  float max_z0, max_z0_skipping;                  // mm
  float tolerance_xy, tolerance_rz;               // mm

  /// Whether one of the two hits has a preferred neighbour on an overlapping module, in line with the doublet.
  HELIX_HD bool shadowed(Index inner, Index outer) const {
    for (Index row = overlaps.rows.begin(outer); row < overlaps.rows.end(outer); ++row) {
      const Index other = overlaps.other[row];
      if (preferred(hits, other, outer) && Overlaps::collinear(hits, inner, outer, other, tolerance_xy, tolerance_rz))
        return true;
    }
    for (Index row = overlaps.rows.begin(inner); row < overlaps.rows.end(inner); ++row) {
      const Index other = overlaps.other[row];
      if (preferred(hits, other, inner) && Overlaps::collinear(hits, outer, inner, other, tolerance_xy, tolerance_rz))
        return true;
    }
    return false;
  }

  template <class Visit>
  HELIX_HD void visit_pair(Index inner, const LayerPair& pair, const Visit& visit) const {
    const Layer outer_layer = detector.layers[pair.outer];
    const SortedHits& h = hits;
    const float r = h.r[inner], z = h.z[inner];
    const float inner_coordinate = detector.layers[pair.inner].kind == LayerKind::barrel ? z : r;
    // the ranges of the geometry hold for a beam spot at the origin: what moves with it is small beside their margins
    if (inner_coordinate < pair.inner_min || inner_coordinate > pair.inner_max) return;
    // asin(x) = x + x^3 / 6 + ..: the bending between two radii grows a little faster than their distance
    const float half = pair.skips == 0 ? half_curvature : half_curvature_skipping;
    const float sine = half * outer_layer.r_max;
    const float bend = half * (1.f + 0.7f * sine * sine);
    const Turn phi = h.phi[inner];
    const float reach = pair.skips == 0 ? max_z0 : max_z0_skipping, spread = pair.phi;
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
    visit_window(h, h.event[inner] * n_layers + pair.outer, phi, larger(widest, 0.f), margin, [&](Index outer) {
      if (!shadowed(inner, outer)) visit(outer);
    });
  }

  template <class Visit>
  HELIX_HD void visit_pairs(Index inner, bool skipping, const Visit& visit) const {
    const std::int32_t layer = hits.layer[inner];
    for (Index p = detector.pairs_of_layer.begin(layer); p < detector.pairs_of_layer.end(layer); ++p)
      if ((detector.pairs[p].skips > 0) == skipping) visit_pair(inner, detector.pairs[p], visit);
  }

  /// Neighbouring pairs.
  template <class Emit>
  HELIX_HD void operator()(Index inner, const Emit& emit) const {
    visit_pairs(inner, false, emit);
  }
};

/// Slopes of the doublets of neighbouring pairs that end and that begin at each hit.
struct CollectSlopes {
  SortedHits hits;
  Ragged near;
  Span<std::uint64_t> ending, beginning;  // [hits]

  HELIX_HD void operator()(Index inner) const {
    std::uint64_t mine = 0;
    for (Index row = near.rows.begin(inner); row < near.rows.end(inner); ++row) {
      const Index outer = near.values[row];
      const SlopeSet slope = SlopeSet::of((hits.z[outer] - hits.z[inner]) / (hits.r[outer] - hits.r[inner]));
      mine |= slope.bits;
      atomic_or(&ending[outer], slope.bits);
    }
    beginning[inner] = mine;
  }
};

/// The doublets of neighbouring pairs, and those of skipping pairs that go on in one of them at either end: what has a
/// hole of one layer on one side has none on the other. By chance there are as many skipping doublets as others.
struct SkippingWalk {
  DoubletWalk walk;
  Ragged near;
  Span<const std::uint64_t> ending, beginning;  // [hits]
  float n_sigma, largest_inverse_pt2;

  /// As wide as connect_doublets allows at the least pt, whatever the length of the other doublet.
  HELIX_HD std::uint64_t matching(const Layer& middle, float cot, float variance) const {
    return SlopeSet::around(cot, n_sigma * std::sqrt(variance + slope_scatter(middle, cot) * largest_inverse_pt2)).bits;
  }

  HELIX_HD bool supported(Index inner, Index outer) const {
    const std::uint64_t before = ending[inner], behind = beginning[outer];
    if ((before | behind) == 0) return false;
    const SortedHits& h = walk.hits;
    const Layer &a = walk.detector.layers[h.layer[inner]], &b = walk.detector.layers[h.layer[outer]];
    const float inverse = 1.f / (h.r[outer] - h.r[inner]), cot = (h.z[outer] - h.z[inner]) * inverse;
    const float variance = kShorterDoublet * (ErrorOfZ(a).at(cot) + ErrorOfZ(b).at(cot)) * (inverse * inverse);
    return (before != 0 && (before & matching(a, cot, variance)) != 0) ||
           (behind != 0 && (behind & matching(b, cot, variance)) != 0);
  }

  template <class Emit>
  HELIX_HD void operator()(Index inner, const Emit& emit) const {
    for (Index row = near.rows.begin(inner); row < near.rows.end(inner); ++row) emit(near.values[row]);
    walk.visit_pairs(inner, true, [&](Index outer) {
      if (supported(inner, outer)) emit(outer);
    });
  }
};

/// Columns of the doublets of one inner hit.
struct DescribeDoublets {
  SortedHits hits;
  DetectorView detector;
  Ragged rows;
  Span<Index> inner;
  Span<float> x, y, cot_theta, var_cot;

  HELIX_HD void operator()(Index i) const {
    const SortedHits& h = hits;
    const ErrorOfZ inner_error(detector.layers[h.layer[i]]);
    const float r = h.r[i], z = h.z[i];
    for (Index at = rows.rows.begin(i); at < rows.rows.end(i); ++at) {
      const Index o = rows.values[at];
      const float inverse = 1.f / (h.r[o] - r), cot = (h.z[o] - z) * inverse;
      inner[at] = i;
      x[at] = h.x[o];
      y[at] = h.y[o];
      cot_theta[at] = cot;
      var_cot[at] = (inner_error.at(cot) + ErrorOfZ(detector.layers[h.layer[o]]).at(cot)) * (inverse * inverse);
    }
  }
};

}  // namespace

Doublets find_doublets(Exec& exec, const SortedHits& hits, const Overlaps& overlaps, const DetectorView& detector,
                       const Config& all) {
  exec.begin_stage("doublets");
  const DoubletConfig& config = all.doublets;
  const float bending = 0.5f * kGevPerTeslaMm * detector.field;
  const DoubletWalk walk{hits,
                         overlaps,
                         detector,
                         bending / config.min_pt,
                         bending / config.min_pt_skipping,
                         config.max_z0,
                         config.max_z0_skipping,
                         config.overlap_tolerance_xy,
                         config.overlap_tolerance_rz};
  const Index n_hits = hits.n_hits();
  const Ragged near = gather_rows(exec, n_hits, walk);
  const CollectSlopes slopes{hits, near, exec.scratch<std::uint64_t>(n_hits), exec.scratch<std::uint64_t>(n_hits)};
  fill(exec, slopes.ending, std::uint64_t{0});
  for_each(exec, n_hits, slopes);
  const float least_pt = config.min_pt / all.connect.curvature_margin;
  const float inverse_pt2 = 1.f / (least_pt * least_pt) + all.connect.least_inverse_pt * all.connect.least_inverse_pt;
  const Ragged rows = gather_rows(
      exec, n_hits, SkippingWalk{walk, near, slopes.ending, slopes.beginning, all.connect.n_sigma, inverse_pt2});
  const auto n = static_cast<Index>(rows.values.size());
  const DescribeDoublets describe{hits,
                                  detector,
                                  rows,
                                  exec.scratch<Index>(n),
                                  exec.scratch<float>(n),
                                  exec.scratch<float>(n),
                                  exec.scratch<float>(n),
                                  exec.scratch<float>(n)};
  for_each(exec, n_hits, describe);
  return {rows.rows, describe.inner, rows.values, describe.x, describe.y, describe.cot_theta, describe.var_cot};
}

}  // namespace helix::patatrack
