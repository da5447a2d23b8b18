#include "kernels/patatrack/connect.h"

#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"
#include "kernels/core/units.h"
#include "kernels/patatrack/slope.h"

namespace helix::patatrack {
namespace {

constexpr float kDxyScatter = 3.f;  // variance of dxy over that of a scattering angle times the first hit's radius

/// Most pairs of doublets are told apart by their slopes alone, at the scattering of the least pt: that needs no
/// circle.
struct ConnectWalk {
  SortedHits hits;
  Doublets doublets;
  DetectorView detector;
  float max_curvature;  // 1/mm
  float inverse_pt_of;  // GeV^-1 mm: 1/pt over curvature
  float max_dxy, n_sigma, stiff;

  template <class Emit>
  HELIX_HD void operator()(Index d, const Emit& emit) const {
    const Index middle = doublets.outer[d];
    const Index first = doublets.rows.begin(middle), last = doublets.rows.end(middle);
    if (first == last) return;
    const Index inner = doublets.inner[d];
    const float x1 = hits.x[inner], y1 = hits.y[inner], x2 = hits.x[middle], y2 = hits.y[middle];
    const float cot = doublets.cot_theta[d], var_cot = doublets.var_cot[d];
    const Layer& middle_layer = detector.layers[hits.layer[middle]];
    const float scatter = slope_scatter(middle_layer, cot);
    const float cut = n_sigma * n_sigma, stiff2 = stiff * stiff, to_inverse_pt = inverse_pt_of;
    const float dxy_scatter = kDxyScatter * cut * scattering_of(middle_layer) * hits.r[inner] * hits.r[inner];
    const float *cots = doublets.cot_theta.begin(), *vars = doublets.var_cot.begin();
    const auto margin_of_slope = [=](Index e, float inverse_pt2) {
      const float change = cots[e] - cot;
      return cut * (1.5f * (var_cot + vars[e]) + scatter * inverse_pt2) - change * change;
    };
    const float largest = max_curvature * to_inverse_pt, most = largest * largest + stiff2;
    visit_matching(
        first, last, [=](Index e) { return margin_of_slope(e, most); },
        [&](Index e) {
          const Circle circle = circle_through(x1, y1, x2, y2, doublets.x[e], doublets.y[e]);
          if (std::fabs(circle.curvature) > max_curvature) return;
          const float inverse_pt = circle.curvature * to_inverse_pt, inverse_pt2 = inverse_pt * inverse_pt + stiff2;
          const float off = larger(std::fabs(circle.form(0.f, 0.f)) - max_dxy, 0.f);
          if (margin_of_slope(e, inverse_pt2) >= 0.f && off * off <= dxy_scatter * inverse_pt2) emit(e);
        });
  }
};

/// Columns of the connections of one doublet.
struct DescribeConnections {
  SortedHits hits;
  Doublets doublets;
  DetectorView detector;
  Ragged rows;
  float inverse_pt_of, stiff, max_dxy, n_sigma;
  Span<Index> inner;
  Span<float> curvature;
  Span<std::int32_t> alone;

  /// A triplet without a fourth hit must come from nearer the beam line than those that a fourth hit confirms.
  HELIX_HD bool near_beam_line(const Circle& circle, Index a, Index b) const {
    const float inverse_pt = circle.curvature * inverse_pt_of, off = circle.form(0.f, 0.f);
    const float scatter = scattering_of(detector.layers[hits.layer[b]]);
    const float error = n_sigma * n_sigma * kDxyScatter * scatter * hits.r[a] * hits.r[a];
    return off * off <= max_dxy * max_dxy + error * (inverse_pt * inverse_pt + stiff * stiff);
  }

  HELIX_HD void operator()(Index d) const {
    const Index a = doublets.inner[d], b = doublets.outer[d];
    for (Index at = rows.rows.begin(d); at < rows.rows.end(d); ++at) {
      const Index e = rows.values[at];
      inner[at] = d;
      const Circle circle = circle_through(hits.x[a], hits.y[a], hits.x[b], hits.y[b], doublets.x[e], doublets.y[e]);
      curvature[at] = circle.curvature;
      alone[at] = near_beam_line(circle, a, b) ? 1 : 0;
    }
  }
};

}  // namespace

Connections connect_doublets(Exec& exec, const SortedHits& hits, const Doublets& doublets, const DetectorView& detector,
                             const Config& config) {
  exec.begin_stage("connect");
  const float bending = kGevPerTeslaMm * detector.field;
  const ConnectWalk walk{hits,
                         doublets,
                         detector,
                         config.connect.curvature_margin * bending / config.doublets.min_pt,
                         1.f / bending,
                         config.connect.max_dxy,
                         config.connect.n_sigma,
                         config.connect.least_inverse_pt};
  const Ragged rows = gather_rows(exec, doublets.n(), walk);
  const auto n = static_cast<Index>(rows.values.size());
  const DescribeConnections describe{hits,
                                     doublets,
                                     detector,
                                     rows,
                                     1.f / bending,
                                     config.connect.least_inverse_pt,
                                     config.connect.max_dxy_triplet,
                                     config.connect.n_sigma,
                                     exec.scratch<Index>(n),
                                     exec.scratch<float>(n),
                                     exec.scratch<std::int32_t>(n)};
  for_each(exec, doublets.n(), describe);
  return {rows.rows, describe.inner, rows.values, describe.curvature, describe.alone};
}

}  // namespace helix::patatrack
