#pragma once

#include "kernels/core/hd.h"

#include <cmath>

namespace helix::patatrack {

/// Circle through three points in the form k/2 |q|^2 - n q = 0, q = p - p1, n the unit normal to the left at p1: no
/// term is large for a stiff track, and no centre or radius is ever formed.
struct Circle {
  float curvature;  // 1/mm; > 0 turns left on the way p1 -> p2 -> p3
  float nx, ny;     // left normal at p1
  float x1, y1;     // mm

  /// Value of the form at (x, y), mm: minus the distance to the left of the circle, to first order.
  HELIX_HD float form(float x, float y) const {
    const float qx = x - x1, qy = y - y1;
    return 0.5f * curvature * (qx * qx + qy * qy) - (nx * qx + ny * qy);
  }
};

/// The three points must differ.
HELIX_HD Circle circle_through(float x1, float y1, float x2, float y2, float x3, float y3) {
  const float ax = x2 - x1, ay = y2 - y1, bx = x3 - x1, by = y3 - y1, cx = x3 - x2, cy = y3 - y2;
  const float a2 = ax * ax + ay * ay, b2 = bx * bx + by * by, c2 = cx * cx + cy * cy;
  const float scale = 1.f / std::sqrt(a2 * b2 * c2);
  return {2.f * (ax * by - ay * bx) * scale, (a2 * by - b2 * ay) * scale, (b2 * ax - a2 * bx) * scale, x1, y1};
}

/// asin(x) / x
HELIX_HD float asin_over(float x) {
  const float s = x * x;
  if (s < 0.09f) return 1.f + s * (1.f / 6.f + s * (3.f / 40.f + s * (15.f / 336.f + s * (105.f / 3456.f))));
  const float clamped = x > 0.9999f ? 0.9999f : (x < -0.9999f ? -0.9999f : x);
  return std::asin(clamped) / clamped;
}

/// A circle seen from the beam line: the reference of the broken line.
/// dxy = -x sin(phi) + y cos(phi) of the point closest to the origin; the left normal there is (-sin, cos).
struct Perigee {
  float curvature, dxy;
  float cos_phi, sin_phi;

  /// Where a point lies along the circle: arc length from the perigee, offset to the left (mm), sine of the turn.
  struct Place {
    float arc, offset, sine;
  };

  HELIX_HD Place place(float x, float y) const {
    const float qx = x + dxy * sin_phi, qy = y - dxy * cos_phi;
    const float along = qx * cos_phi + qy * sin_phi, left = -qx * sin_phi + qy * cos_phi;
    const float f = left - 0.5f * curvature * (along * along + left * left);
    const float root = 1.f - 2.f * curvature * f;
    const float offset = 2.f * f / (1.f + std::sqrt(root > 0.f ? root : 0.f));
    const float lever = along / (1.f - curvature * offset);
    const float sine = curvature * lever;
    return {lever * asin_over(sine), offset, sine};
  }
};

HELIX_HD Perigee perigee_of(const Circle& circle) {
  const float at_origin = circle.form(0.f, 0.f);
  const float root = 1.f + 2.f * circle.curvature * at_origin;
  const float dxy = 2.f * at_origin / (1.f + std::sqrt(root > 0.f ? root : 0.f));
  // minus the gradient of the form at the origin points to the left
  float nx = circle.nx + circle.curvature * circle.x1, ny = circle.ny + circle.curvature * circle.y1;
  const float norm = 1.f / std::sqrt(nx * nx + ny * ny);
  nx *= norm;
  ny *= norm;
  return {circle.curvature, dxy, ny, -nx};
}

}  // namespace helix::patatrack
