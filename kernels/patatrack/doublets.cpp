#include "kernels/patatrack/doublets.h"

#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"
#include "kernels/core/units.h"
#include "kernels/patatrack/slope.h"
#include "kernels/patatrack/window.h"

#include <cmath>

namespace helix::patatrack {
namespace {

constexpr float kMargin = 5.f;  // mm: what a beam spot off the origin, and so on, may add to a layer's extent

/// How far the slope of a doublet may be from that of one it is connected with, in connect_doublets, at the least pt.
struct SlopeReach {
  float n_sigma;
  float largest_inverse_pt2;  // 1/GeV^2

  HELIX_HD float operator()(float variance, float scattering, float cot) const {
    return n_sigma * std::sqrt(1.5f * variance + slope_scatter(scattering, cot) * largest_inverse_pt2);
  }
};

/// Variances (mm^2) of a layer's hits along its coordinate: z or r.
struct ErrorAlong {
  float var_z, var_r;
  HELIX_HD explicit ErrorAlong(const Layer& layer)
      : var_z(layer.kind == LayerKind::barrel ? layer.var_v : 0.f),
        var_r(layer.kind == LayerKind::barrel ? 0.f : layer.var_v) {}
};

/// The doublets that begin at each hit: their slopes, and the largest variance of these.
struct Beginnings {
  Span<std::uint32_t> even, odd;  // [hits] SlopeSet
  Span<float> variance;           // [hits]
};

/// How far a walk looks, by whether the layer pair skips layers.
struct SearchReach {
  float half_curvature;  // 1/mm, at the least pt
  float max_z0;          // mm
};

/// Doublets of the layer pairs that begin on an innermost layer, or of the others. Nothing can come before a doublet of
/// the innermost: it must go on.
template <bool Innermost>
struct DoubletWalk {
  SortedHits hits;
  DetectorView detector;
  SearchReach neighbours, skipping;
  SlopeReach slopes;
  Beginnings beginning;  // on other layers

  /// Of the outer hit: on a disc it cannot be farther out than a line from the end of the luminous region points.
  HELIX_HD static float largest_r(const LayerPair& pair, const Layer& outer, const SearchReach& reach, float r,
                                  float z) {
    if (outer.kind == LayerKind::barrel) return outer.r_max + kMargin;
    const float lever = std::fabs(z) - reach.max_z0;
    const float away = larger(std::fabs(outer.z_min), std::fabs(outer.z_max)) - reach.max_z0;
    const float most = smaller(pair.outer_max, outer.r_max + kMargin);
    return lever > kMargin && away > lever ? smaller(most, r * away / lever) : most;
  }

  template <class Emit>
  HELIX_HD void visit_pair(Index inner, const LayerPair& pair, const Emit& emit) const {
    const Layer& outer_layer = detector.layers[pair.outer];
    const SearchReach& reach = pair.skips > 0 ? skipping : neighbours;
    const SortedHits& h = hits;
    const float r = h.r[inner], z = h.z[inner];
    const float inner_coordinate = detector.layers[pair.inner].kind == LayerKind::barrel ? z : r;
    // the ranges of the geometry hold for a beam spot at the origin: what moves with it is small beside their margins
    if (inner_coordinate < pair.inner_min || inner_coordinate > pair.inner_max) return;
    // asin(x) = x + x^3 / 6 + ..: the bending between two radii grows a little faster than their distance
    const float sine = reach.half_curvature * outer_layer.r_max;
    const float bend = reach.half_curvature * (1.f + 0.7f * sine * sine);
    const Turn phi = h.phi[inner];
    const float max_z0 = reach.max_z0, spread = pair.phi;
    const float outer_min = pair.outer_min, outer_max = pair.outer_max;
    const float cot_min = h.cot_min[inner], cot_max = h.cot_max[inner];
    const ErrorAlong inner_error(detector.layers[pair.inner]), outer_error(outer_layer);
    const float var_z = inner_error.var_z + outer_error.var_z, var_r = inner_error.var_r + outer_error.var_r;
    const float scattering = scattering_of(outer_layer);
    const float *hr = h.r.begin(), *hz = h.z.begin(), *hmin = h.cot_min.begin(), *hmax = h.cot_max.begin();
    const float* hc = outer_layer.kind == LayerKind::barrel ? hz : hr;
    const Turn* hphi = h.phi.begin();
    const std::uint32_t *even = beginning.even.begin(), *odd = beginning.odd.begin();
    const float* hvariance = beginning.variance.begin();
    const SlopeReach by = slopes;
    const auto margin = [=](Index k) {
      const float dr = hr[k] - r, dz = hz[k] - z, slope = std::fabs(dz);
      const float least = larger(cot_min, hmin[k]), most = smaller(cot_max, hmax[k]);
      float m = dr - 1.f;
      m = smaller(m, max_z0 * dr - std::fabs(z * dr - r * dz));
      m = smaller(m, bend * dr + spread - std::fabs(turn_difference(hphi[k], phi)));
      m = smaller(m, smaller(hc[k] - outer_min, outer_max - hc[k]));
      m = smaller(m, smaller(slope - least * dr, most * dr - slope));
      const float inverse = 1.f / dr, cot = dz * inverse;
      const float variance = (var_z + cot * cot * var_r) * (inverse * inverse);
      if constexpr (Innermost) {
        const SlopeSet matching = SlopeSet::around(cot, by(variance + hvariance[k], scattering, cot));
        m = matching.meets({even[k], odd[k]}) ? m : -1.f;
      }
      return Described{m, {cot, variance}};
    };
    const float widest = bend * (largest_r(pair, outer_layer, reach, r, z) - r) + spread;
    const auto n_layers = static_cast<Index>(detector.layers.size());
    visit_window(h, h.event[inner] * n_layers + pair.outer, phi, larger(widest, 0.f), margin, emit);
  }

  template <class Emit>
  HELIX_HD void operator()(Index inner, const Emit& emit) const {
    const std::int32_t layer = hits.layer[inner];
    const Index begin = detector.pairs_of_layer.begin(layer), end = detector.pairs_of_layer.end(layer);
    if (begin == end || detector.pairs[begin].innermost != Innermost) return;
    for (Index p = begin; p < end; ++p)
      if (detector.pairs[p].skips == 0) visit_pair(inner, detector.pairs[p], emit);
    for (Index p = begin; p < end; ++p)
      if (detector.pairs[p].skips > 0) visit_pair(inner, detector.pairs[p], emit);
  }
};

struct CollectBeginnings {
  DescribedRows doublets;  // outer hits by inner hit; slope and its variance
  Beginnings out;

  HELIX_HD void operator()(Index inner) const {
    SlopeSet slopes{0, 0};
    float largest = 0;
    for (Index row = doublets.rows.begin(inner); row < doublets.rows.end(inner); ++row) {
      slopes = slopes.with(SlopeSet::of(doublets.column[0][row]));
      largest = larger(largest, doublets.column[1][row]);
    }
    out.even[inner] = slopes.even;
    out.odd[inner] = slopes.odd;
    out.variance[inner] = largest;
  }
};

}  // namespace

Doublets find_doublets(Exec& exec, const SortedHits& hits, const DetectorView& detector, const Config& config) {
  exec.begin_stage("doublets");
  const DoubletConfig& cuts = config.doublets;
  const float bending = 0.5f * kGevPerTeslaMm * detector.field;
  const SearchReach neighbours{bending / cuts.min_pt, cuts.max_z0},
      skipping{bending / cuts.min_pt_skipping, cuts.max_z0_skipping};
  const float least_pt = cuts.min_pt / config.connect.curvature_margin, hidden = config.connect.least_inverse_pt;
  const SlopeReach reach{config.connect.n_sigma, 1.f / (least_pt * least_pt) + hidden * hidden};
  const Index n_hits = hits.n_hits();
  const Beginnings beginning{exec.scratch<std::uint32_t>(n_hits), exec.scratch<std::uint32_t>(n_hits),
                             exec.scratch<float>(n_hits)};
  const DescribedRows others =
      gather_described_rows(exec, n_hits, DoubletWalk<false>{hits, detector, neighbours, skipping, reach, beginning});
  for_each(exec, n_hits, CollectBeginnings{others, beginning});
  const DescribedRows innermost =
      gather_described_rows(exec, n_hits, DoubletWalk<true>{hits, detector, neighbours, skipping, reach, beginning});
  const DescribedRows all = join_rows(exec, innermost, others);  // a hit is on an innermost layer or not
  const auto n = static_cast<Index>(all.values.size());
  return {all.rows, row_of_each(exec, all.rows, n), all.values, all.column[0], all.column[1]};
}

}  // namespace helix::patatrack
