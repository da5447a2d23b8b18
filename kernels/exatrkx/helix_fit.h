#pragma once

#include "kernels/core/hd.h"
#include "kernels/core/ragged.h"
#include "kernels/core/units.h"
#include "kernels/event/tracks.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace helix::exatrkx {

/// Hits of one track around the event's beam line, inner to outer. mm
struct TrackPoints {
  Span<const double> x, y, z;
  Span<double> arc;  // gets the length along the circle
};

/// Parameters at the closest approach to the beam line, as in Tracks.
struct HelixFit {
  double phi = 0, dxy = 0, q_over_pt = 0, cot_theta = 0, dz = 0;
  std::array<double, kCovarianceSize> covariance{};
  double chi2 = 0;  // of the distances from the helix, in units of kHitSpread
  int ndof = 0;
  double rms_xy = 0, rms_rz = 0;  // of the distances from the circle and, in (arc, z), from the line; mm
};

/// Error of a hit that chi2 is told in: the pipeline knows none. mm
inline constexpr double kHitSpread = 0.1;

namespace fit {

/// Left normal and curvature at the point closest to the beam line; curvature > 0 turns left.
struct Circle {
  double phi, dxy, curvature;
};

/// Karimaki's explicit solution of the least squares of r^2 rho / 2 + (1 + rho d)(x sin(phi) - y cos(phi)) ..: exact
/// for hits that lie near a circle. His rho turns right and his d points there: both change sign.
HELIX_HD Circle fit_circle(const TrackPoints& p) {
  const auto n = static_cast<double>(p.x.size());
  double x = 0, y = 0, r = 0, xx = 0, xy = 0, yy = 0, xr = 0, yr = 0, rr = 0;
  for (std::size_t i = 0; i < p.x.size(); ++i) {
    const double r2 = p.x[i] * p.x[i] + p.y[i] * p.y[i];
    x += p.x[i] / n, y += p.y[i] / n, r += r2 / n;
    xx += p.x[i] * p.x[i] / n, xy += p.x[i] * p.y[i] / n, yy += p.y[i] * p.y[i] / n;
    xr += p.x[i] * r2 / n, yr += p.y[i] * r2 / n, rr += r2 * r2 / n;
  }
  const double cxx = xx - x * x, cxy = xy - x * y, cyy = yy - y * y;
  const double cxr = xr - x * r, cyr = yr - y * r, crr = std::max(rr - r * r, 1e-12);
  double phi = 0.5 * std::atan2(2 * (crr * cxy - cxr * cyr), crr * (cxx - cyy) - cxr * cxr + cyr * cyr);
  if (std::cos(phi) * x + std::sin(phi) * y < 0) phi += phi > 0 ? -M_PI : M_PI;  // outwards
  const double sine = std::sin(phi), cosine = std::cos(phi);
  const double kappa = (sine * cxr - cosine * cyr) / crr, delta = -kappa * r + sine * x - cosine * y;
  const double root = std::sqrt(std::max(1 - 4 * delta * kappa, 1e-12));
  return {phi, -2 * delta / (1 + root), -2 * kappa / root};
}

struct Place {
  double arc, offset;  // along the circle from the closest approach; to its left, mm
};

HELIX_HD Place place(const Circle& c, double x, double y) {
  const double sine = std::sin(c.phi), cosine = std::cos(c.phi);
  const double qx = x + c.dxy * sine, qy = y - c.dxy * cosine;
  const double along = qx * cosine + qy * sine, left = -qx * sine + qy * cosine;
  const double f = left - 0.5 * c.curvature * (along * along + left * left);
  const double offset = 2 * f / (1 + std::sqrt(std::max(1 - 2 * c.curvature * f, 0.)));
  const double lever = along / (1 - c.curvature * offset), turn = std::clamp(c.curvature * lever, -1., 1.);
  return {std::fabs(turn) < 1e-6 ? lever : std::asin(turn) / c.curvature, offset};
}

/// Inverse of a symmetric 3x3 matrix, rows of its upper triangle; false where there is none.
HELIX_HD bool invert(std::array<double, 6>& m) {
  const auto [a, b, c, d, e, f] = m;
  const double ca = d * f - e * e, cb = c * e - b * f, cc = b * e - c * d, determinant = a * ca + b * cb + c * cc;
  if (!(std::fabs(determinant) > 1e-300)) return false;
  m = {ca / determinant,
       cb / determinant,
       cc / determinant,
       (a * f - c * c) / determinant,
       (b * c - a * e) / determinant,
       (a * d - b * b) / determinant};
  return true;
}

HELIX_HD double spread(double sum, int ndof) {
  return ndof > 0 ? std::max(sum / ndof, kHitSpread * kHitSpread) : kHitSpread * kHitSpread;
}

}  // namespace fit

/// Fits a circle in the transverse plane, then a line in (arc length, z); all hits weigh the same, and the covariance
/// is scaled to the hits' spread about the helix, or kHitSpread where that is less or three hits leave none.
///
/// field    T, along z; 0: q_over_pt is 0
/// errors   none; fewer than three points, or points at one place, give zeros and ndof -1
/// source   V. Karimaki, NIM A 305 (1991) 187
HELIX_HD HelixFit fit_helix(const TrackPoints& p, double field) {
  HelixFit out;
  out.ndof = -1;
  const auto n = static_cast<int>(p.x.size());
  if (n < 3) return out;
  const fit::Circle circle = fit::fit_circle(p);
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, z0 = 0, z1 = 0, bent = 0;
  for (int i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const fit::Place at = fit::place(circle, p.x[k], p.y[k]);
    const double s = at.arc;
    p.arc[k] = s;
    s0 += 1, s1 += s, s2 += s * s, s3 += s * s * s, s4 += s * s * s * s;
    z0 += p.z[k], z1 += s * p.z[k], bent += at.offset * at.offset;
  }
  const double determinant = s0 * s2 - s1 * s1;
  std::array<double, 6> moments{s2, s1, s3 / 2, s0, s2 / 2, s4 / 4};  // of (phi, dxy, curvature)
  if (!(determinant > 1e-9) || !fit::invert(moments) || !std::isfinite(circle.phi + circle.curvature + circle.dxy))
    return out;

  const double per_curvature = field == 0 ? 0 : 1 / (double{kGevPerTeslaMm} * field);
  out.phi = std::remainder(circle.phi, 2 * M_PI);
  out.dxy = circle.dxy;
  out.q_over_pt = -circle.curvature * per_curvature;
  out.cot_theta = (s0 * z1 - s1 * z0) / determinant;
  out.dz = (s2 * z0 - s1 * z1) / determinant;
  double off_line = 0;
  for (int i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const double d = p.z[k] - out.dz - out.cot_theta * p.arc[k];
    off_line += d * d / (1 + out.cot_theta * out.cot_theta);
  }
  const double across = fit::spread(bent, n - 3),
               along = fit::spread(off_line, n - 2) * (1 + out.cot_theta * out.cot_theta);
  const auto set = [&](int i, int j, double value) {
    out.covariance[static_cast<std::size_t>(covariance_row(i, j))] = value;
  };
  set(0, 0, across * moments[0]);
  set(0, 1, across * moments[1]);
  set(0, 2, -across * moments[2] * per_curvature);
  set(1, 1, across * moments[3]);
  set(1, 2, -across * moments[4] * per_curvature);
  set(2, 2, across * moments[5] * per_curvature * per_curvature);
  set(3, 3, along * s0 / determinant);
  set(3, 4, -along * s1 / determinant);
  set(4, 4, along * s2 / determinant);
  out.chi2 = (bent + off_line) / (kHitSpread * kHitSpread);
  out.ndof = 2 * n - 5;
  out.rms_xy = std::sqrt(bent / n);
  out.rms_rz = std::sqrt(off_line / n);
  return out;
}

}  // namespace helix::exatrkx
