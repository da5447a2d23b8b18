#pragma once

#include "kernels/core/lane_math.h"

namespace helix::exatrkx {

/// Numbers that describe an edge, as scripts/exatrkx/networks.py defines them for training.
inline constexpr int kEdgeGeometry = 7;

/// A hit as the networks are told of it, unscaled: mm.
struct LaneHit {
  Lanes r, cosine, sine, z;
};

/// Geometry of edges from a to b, an edge a lane.
HELIX_HD void describe_edges(const LaneHit& a, const LaneHit& b, Lanes (&out)[kEdgeGeometry]) {
  const Lanes one = lanes_of(1.f);
  const Lanes dr = b.r - a.r, dz = b.z - a.z;
  const Lanes cosine = a.cosine * b.cosine + a.sine * b.sine, sine = a.cosine * b.sine - a.sine * b.cosine;
  const Lanes dphi = angle_of(sine, cosine), length = root(sine * sine + cosine * cosine);
  const Lanes across2 = a.r * a.r + b.r * b.r - 2.f * a.r * b.r * cosine;
  const Lanes across = root(choose(across2 > 1.f, across2, one));
  const Lanes outwards = choose(dr > 1.f, dr, one), inwards = choose(dr < -1.f, dr, -one);
  const Lanes slope = dz / choose(dr < 0.f, inwards, outwards);
  out[0] = dr * (1.f / 100.f);
  out[1] = inverse_sinh(dz * (1.f / 100.f));
  out[2] = inverse_sinh(20.f * dphi);
  out[3] = inverse_sinh(slope);
  out[4] = root(across * across + dz * dz) * (1.f / 300.f);
  out[5] = inverse_sinh((a.z - a.r * slope) * (1.f / 20.f));
  out[6] = inverse_sinh(4000.f * sine / (choose(length > 1e-20f, length, one) * across));
}

}  // namespace helix::exatrkx
