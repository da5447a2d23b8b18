#pragma once

#include "kernels/core/lane_math.h"

namespace helix::exatrkx {

/// Numbers that describe how well three hits fit, as scripts/exatrkx/networks.py defines them for training.
inline constexpr int kTripletGeometry = 6;

/// What an edge brings into the triplets that it is part of, and where it ends: all that needs no third hit.
struct LaneEdge {
  Lanes x, y, z, length;           // from its first hit to its second, mm; length in the transverse plane
  Lanes angle, log_length, slope;  // against the transverse plane; asinh(z / length)
  Lanes end_x, end_y, end_r;       // its second hit
};
inline constexpr int kEdgeColumns = sizeof(LaneEdge) / sizeof(Lanes);

/// Hits as the networks see them: r, cos phi, sin phi, z by their scales.
struct LaneScaledHit {
  Lanes r, cosine, sine, z;
};

HELIX_HD Lanes length_of(Lanes x, Lanes y) {
  const Lanes squared = x * x + y * y;
  return root(choose(squared > 1e-2f, squared, lanes_of(1e-2f)));
}

HELIX_HD LaneEdge measure_edge(const LaneScaledHit& a, const LaneScaledHit& b, float r_scale, float z_scale) {
  LaneEdge e;
  const Lanes r = a.r * r_scale;
  e.end_r = b.r * r_scale;
  e.end_x = e.end_r * b.cosine;
  e.end_y = e.end_r * b.sine;
  e.x = e.end_x - r * a.cosine;
  e.y = e.end_y - r * a.sine;
  e.z = (b.z - a.z) * z_scale;
  e.length = length_of(e.x, e.y);
  e.angle = angle_of(e.z, e.length);
  e.log_length = logarithm(e.length);
  e.slope = inverse_sinh(e.z / e.length);
  return e;
}

/// The fit of a triplet: `off`, `dxy` in mm, `curvature` in 1/mm, `bend` of the line in (transverse length, z).
struct LaneFit {
  Lanes bend, off, curvature, dxy;
};

/// Edges p = (a, b), q = (b, c): their circle, and how far from the beam line it passes.
HELIX_HD LaneFit fit_triplet(const LaneEdge& p, const LaneEdge& q) {
  const Lanes one = lanes_of(1.f), zero = lanes_of(0.f);
  LaneFit fit;
  fit.bend = q.angle - p.angle;
  fit.off = q.z - p.z * q.length / p.length;
  fit.curvature = 2.f * (p.x * q.y - p.y * q.x) / (p.length * q.length * length_of(p.x + q.x, p.y + q.y));
  Lanes half = 0.5f * fit.curvature * p.length;  // the sine of the angle between p and the tangent at b
  half = choose(half > one, one, choose(half < -one, -one, half));
  const Lanes cosine = root(one - half * half);
  const Lanes t_x = (p.x * cosine - p.y * half) / p.length, t_y = (p.x * half + p.y * cosine) / p.length;
  const Lanes twice = fit.curvature * p.end_r * p.end_r + 2.f * (t_x * p.end_y - t_y * p.end_x);
  const Lanes squared = one + fit.curvature * twice;
  fit.dxy = twice / (one + root(choose(squared > zero, squared, zero)));
  return fit;
}

/// Positive where the triplet is within the network's own wide cuts.
HELIX_HD Lanes margin_of(const LaneFit& fit) {
  // sinh of 3.2, 5.3, 6.3: the cuts are on the features below
  const Lanes bend = 12.245884f - absolute(100.f * fit.bend), off = 100.165906f - absolute(fit.off / 0.3f);
  const Lanes dxy = 272.285037f - absolute(fit.dxy / 0.3f);
  const Lanes least = choose(bend < off, bend, off);
  return choose(least < dxy, least, dxy);
}

HELIX_HD void describe_triplet(const LaneEdge& p, const LaneEdge& q, Lanes (&out)[kTripletGeometry]) {
  const LaneFit fit = fit_triplet(p, q);
  out[0] = inverse_sinh(100.f * fit.bend);
  out[1] = inverse_sinh(fit.off / 0.3f);
  out[2] = inverse_sinh(2000.f * fit.curvature);
  out[3] = inverse_sinh(fit.dxy / 0.3f);
  out[4] = q.log_length - p.log_length;
  out[5] = p.slope;
}

}  // namespace helix::exatrkx
