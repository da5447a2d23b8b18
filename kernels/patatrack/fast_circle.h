#pragma once

#include "kernels/core/hd.h"
#include "kernels/core/lanes.h"

#include <cmath>

namespace helix::patatrack {

/// Circle through three points in the form k/2 |q|^2 - n q = 0, q = p - p1, n the unit normal to the left at p1: no
/// term is large for a stiff track, and no centre or radius is ever formed. F is float, or Lanes.
template <class F>
struct CircleOf {
  F curvature;  // 1/mm; > 0 turns left on the way p1 -> p2 -> p3
  F nx, ny;     // left normal at p1
  F x1, y1;     // mm

  /// Value of the form at (x, y), mm: minus the distance to the left of the circle, to first order.
  HELIX_HD F form(F x, F y) const {
    const F qx = x - x1, qy = y - y1;
    return 0.5f * curvature * (qx * qx + qy * qy) - (nx * qx + ny * qy);
  }
};
using Circle = CircleOf<float>;

/// The three points must differ.
template <class F>
HELIX_HD CircleOf<F> circle_through(F x1, F y1, F x2, F y2, F x3, F y3) {
  const F ax = x2 - x1, ay = y2 - y1, bx = x3 - x1, by = y3 - y1, cx = x3 - x2, cy = y3 - y2;
  const F a2 = ax * ax + ay * ay, b2 = bx * bx + by * by, c2 = cx * cx + cy * cy;
  const F scale = 1.f / root(a2 * b2 * c2);
  return {2.f * (ax * by - ay * bx) * scale, (a2 * by - b2 * ay) * scale, (b2 * ax - a2 * bx) * scale, x1, y1};
}

constexpr float kAsinSeries = 0.09f;  // square below which the series of asin is used

template <class F>
HELIX_HD F asin_series_over(F s) {
  return 1.f + s * (1.f / 6.f + s * (3.f / 40.f + s * (15.f / 336.f + s * (105.f / 3456.f))));
}

/// asin(x) / x
HELIX_HD float asin_over(float x) {
  if (x * x < kAsinSeries) return asin_series_over(x * x);
  const float clamped = x > 0.9999f ? 0.9999f : (x < -0.9999f ? -0.9999f : x);
  return std::asin(clamped) / clamped;
}
#ifndef __CUDACC__
HELIX_HD Lanes asin_over(Lanes x) {
  Lanes out = asin_series_over(x * x);
  if (any(x * x >= kAsinSeries)) [[unlikely]]
    for (int i = 0; i < kLanes; ++i) lane(out, i) = asin_over(lane(x, i));
  return out;
}
#endif

/// A circle seen from the beam line: the reference of the broken line.
/// dxy = -x sin(phi) + y cos(phi) of the point closest to the origin; the left normal there is (-sin, cos).
template <class F>
struct PerigeeOf {
  F curvature, dxy;
  F cos_phi, sin_phi;

  /// Where a point lies along the circle: arc length from the perigee, offset to the left (mm), sine of the turn.
  struct Place {
    F arc, offset, sine;
  };

  HELIX_HD Place place(F x, F y) const {
    const F qx = x + dxy * sin_phi, qy = y - dxy * cos_phi;
    const F along = qx * cos_phi + qy * sin_phi, left = -qx * sin_phi + qy * cos_phi;
    const F f = left - 0.5f * curvature * (along * along + left * left);
    const F offset = 2.f * f / (1.f + root_or_zero(1.f - 2.f * curvature * f));
    const F lever = along / (1.f - curvature * offset);
    const F sine = curvature * lever;
    return {lever * asin_over(sine), offset, sine};
  }

  static HELIX_HD F root_or_zero(F x) { return root(choose(x > 0.f, x, F{})); }
};
using Perigee = PerigeeOf<float>;

template <class F>
HELIX_HD PerigeeOf<F> perigee_of(const CircleOf<F>& circle) {
  const F at_origin = circle.form(F{}, F{});
  const F dxy = 2.f * at_origin / (1.f + PerigeeOf<F>::root_or_zero(1.f + 2.f * circle.curvature * at_origin));
  // minus the gradient of the form at the origin points to the left
  const F nx = circle.nx + circle.curvature * circle.x1, ny = circle.ny + circle.curvature * circle.y1;
  const F norm = 1.f / root(nx * nx + ny * ny);
  return {circle.curvature, dxy, ny * norm, -nx * norm};
}

}  // namespace helix::patatrack
