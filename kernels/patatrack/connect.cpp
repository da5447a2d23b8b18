#include "kernels/patatrack/connect.h"

#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"
#include "kernels/core/units.h"
#include "kernels/patatrack/slope.h"

namespace helix::patatrack {
namespace {

constexpr float kDxyScatter = 3.f;  // variance of dxy over that of a scattering angle times the first hit's radius

struct Cuts {
  float n_sigma2;         // square of the largest change of slope, in widths
  float max_curvature;    // 1/mm
  float inverse_pt_of;    // GeV^-1 mm: 1/pt over curvature
  float hidden2;          // 1/GeV^2: what the error of 1/pt hides, squared
  float max_dxy;          // mm
  float max_dxy_triplet;  // mm, of a triplet without a fourth hit

  /// By how much the slopes of two doublets agree, at 1/pt.
  HELIX_HD float margin_of_slope(float change, float variance, float scatter, float inverse_pt2) const {
    return n_sigma2 * (1.5f * variance + scatter * (inverse_pt2 + hidden2)) - change * change;
  }
};

/// Most doublets that share a hit are told apart by their slopes alone, at the scattering of the least pt: that needs
/// no circle.
struct SlopeWalk {
  SortedHits hits;
  Doublets doublets;
  Cuts cuts;

  template <class Emit>
  HELIX_HD void operator()(Index d, const Emit& emit) const {
    const Index middle = doublets.outer[d], begin = doublets.rows.begin(middle), end = doublets.rows.end(middle);
    if (begin == end) return;
    const float cot = doublets.cot_theta[d], var_cot = doublets.var_cot[d];
    const float scatter = slope_scatter(hits.scattering[middle], cot);
    const float *cots = doublets.cot_theta.begin(), *vars = doublets.var_cot.begin();
    const float steepest = cuts.max_curvature * cuts.inverse_pt_of, inverse_pt2 = steepest * steepest;
    const Cuts c = cuts;
    const auto margin = [=](Index e) {
      return c.margin_of_slope(cots[e] - cot, var_cot + vars[e], scatter, inverse_pt2);
    };
    visit_matching(begin, end, margin, emit);
  }
};

/// The circle of each candidate.
struct TestCircle {
  SortedHits hits;
  Doublets doublets;
  Cuts cuts;
  Span<const Index> inner, outer;  // [candidates] doublets
  Span<float> curvature;
  Span<std::int32_t> keep, alone;

  HELIX_HD void operator()(Index k) const {
    const Index d = inner[k], e = outer[k], a = doublets.inner[d], b = doublets.outer[d], c = doublets.outer[e];
    const Circle circle = circle_through(hits.x[a], hits.y[a], hits.x[b], hits.y[b], hits.x[c], hits.y[c]);
    const float inverse_pt = circle.curvature * cuts.inverse_pt_of, inverse_pt2 = inverse_pt * inverse_pt;
    const float margin =
        cuts.margin_of_slope(doublets.cot_theta[e] - doublets.cot_theta[d], doublets.var_cot[d] + doublets.var_cot[e],
                             slope_scatter(hits.scattering[b], doublets.cot_theta[d]), inverse_pt2);
    const float dxy = circle.form(0.f, 0.f), off = larger(std::fabs(dxy) - cuts.max_dxy, 0.f);
    const float scattered = cuts.n_sigma2 * kDxyScatter * hits.scattering[b] * hits.r[a] * hits.r[a];
    const float var_dxy = scattered * (inverse_pt2 + cuts.hidden2);
    const bool stiff = std::fabs(circle.curvature) <= cuts.max_curvature;
    curvature[k] = circle.curvature;
    keep[k] = static_cast<std::int32_t>(stiff) & static_cast<std::int32_t>(margin >= 0.f) &
              static_cast<std::int32_t>(off * off <= var_dxy);
    alone[k] = dxy * dxy <= cuts.max_dxy_triplet * cuts.max_dxy_triplet + var_dxy ? 1 : 0;
  }
};

/// Drops candidates of which a hit has a preferred neighbour on an overlapping module, in line with its doublet.
struct DropShadowed {
  SortedHits hits;
  Overlaps overlaps;
  Doublets doublets;
  float tolerance_xy, tolerance_rz;  // mm
  Span<const Index> inner, outer;    // [candidates] doublets
  Span<std::int32_t> keep;

  HELIX_HD bool replaced(Index from, Index hit) const {
    for (Index row = overlaps.rows.begin(hit); row < overlaps.rows.end(hit); ++row) {
      const Index other = overlaps.other[row];
      if (preferred(hits, other, hit) && Overlaps::collinear(hits, from, hit, other, tolerance_xy, tolerance_rz))
        return true;
    }
    return false;
  }
  HELIX_HD void operator()(Index k) const {
    if (keep[k] == 0) return;
    const Index a = doublets.inner[inner[k]], b = doublets.outer[inner[k]], c = doublets.outer[outer[k]];
    if (replaced(b, a) || replaced(a, b) || replaced(c, b) || replaced(b, c)) keep[k] = 0;
  }
};

struct KeepRows {
  Offsets candidates, kept;  // rows of doublets; kept candidates before each
  Span<Index> rows;          // [doublets + 1]
  HELIX_HD void operator()(Index d) const { rows[d] = kept.begin(candidates.begin(d)); }
};

struct KeepColumns {
  Offsets kept;
  Span<const Index> inner, outer;
  Span<const float> curvature;
  Span<const std::int32_t> keep, alone;
  Span<Index> to_inner, to_outer;
  Span<float> to_curvature;
  Span<std::int32_t> to_alone;
  HELIX_HD void operator()(Index k) const {
    if (keep[k] == 0) return;
    const Index to = kept.begin(k);
    to_inner[to] = inner[k];
    to_outer[to] = outer[k];
    to_curvature[to] = curvature[k];
    to_alone[to] = alone[k];
  }
};

Cuts make_cuts(const DetectorView& detector, const Config& config) {
  const ConnectConfig& c = config.connect;
  const float bending = kGevPerTeslaMm * detector.field;
  return {c.n_sigma * c.n_sigma,
          c.curvature_margin * bending / config.doublets.min_pt,
          1.f / bending,
          c.least_inverse_pt * c.least_inverse_pt,
          c.max_dxy,
          c.max_dxy_triplet};
}

}  // namespace

Connections connect_doublets(Exec& exec, const SortedHits& hits, const Overlaps& overlaps, const Doublets& doublets,
                             const DetectorView& detector, const Config& config) {
  exec.begin_stage("connect");
  const Cuts cuts = make_cuts(detector, config);
  const Ragged candidates = gather_rows(exec, doublets.n(), SlopeWalk{hits, doublets, cuts});
  const Span<const Index> outer = candidates.values;
  const auto n = static_cast<Index>(outer.size());
  const Span<const Index> inner = row_of_each(exec, candidates.rows, n);
  const TestCircle test{hits,
                        doublets,
                        cuts,
                        inner,
                        outer,
                        exec.scratch<float>(n),
                        exec.scratch<std::int32_t>(n),
                        exec.scratch<std::int32_t>(n)};
  for_each(exec, n, test);
  for_each(exec, n,
           DropShadowed{hits, overlaps, doublets, config.doublets.overlap_tolerance_xy,
                        config.doublets.overlap_tolerance_rz, inner, outer, test.keep});
  const Offsets kept = exclusive_scan(exec, test.keep);
  const Index n_kept = exec.sync_read(kept.total());
  auto rows = exec.scratch<Index>(doublets.n() + 1);
  for_each(exec, doublets.n() + 1, KeepRows{candidates.rows, kept, rows});
  const KeepColumns out{kept,
                        inner,
                        outer,
                        test.curvature,
                        test.keep,
                        test.alone,
                        exec.scratch<Index>(n_kept),
                        exec.scratch<Index>(n_kept),
                        exec.scratch<float>(n_kept),
                        exec.scratch<std::int32_t>(n_kept)};
  for_each(exec, n, out);
  return {{rows}, out.to_inner, out.to_outer, out.to_curvature, out.to_alone};
}

}  // namespace helix::patatrack
