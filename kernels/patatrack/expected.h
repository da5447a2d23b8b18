#pragma once

#include "kernels/core/hd.h"
#include "kernels/core/phi.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/fast_circle.h"

#include <cmath>

namespace helix::patatrack {

/// A helix around the beam line at (spot_x, spot_y): what the layers it crosses are found with.
struct Helix {
  float curvature, dxy, cos_phi, sin_phi;  // 1/mm, mm
  float z0, cot;                           // mm, global z at the perigee
  float spot_x, spot_y;

  struct Point {
    float x, y, z;  // mm, global frame
    float tx, ty;   // transverse direction
  };
  /// The point whose chord from the perigee, in the transverse plane, has this length; |curvature * chord| < 2.
  HELIX_HD Point at_chord(float chord, float arc) const {
    const float s = 0.5f * curvature * chord, c = std::sqrt(1.f - s * s);
    const float ux = cos_phi * c - sin_phi * s, uy = sin_phi * c + cos_phi * s;
    return {spot_x - dxy * sin_phi + chord * ux, spot_y + dxy * cos_phi + chord * uy, z0 + cot * arc, ux * c - uy * s,
            uy * c + ux * s};
  }
};

/// Where a helix crosses a layer on its way out.
struct Crossing {
  bool active;  // through the active area of a module, by the margin
  float arc;    // mm, transverse, from the perigee
};

HELIX_HD float sine_of_half(float x) {
  const float s = x * x;
  return s < 0.25f ? x * (1.f - s * (1.f / 6.f - s * (1.f / 120.f))) : std::sin(x);
}

/// Whether the straight line through p along its direction crosses the module's active area, a margin inside.
HELIX_HD bool crosses(const Module& module, const Helix::Point& p, float cot, float margin) {
  const float dx = module.center[0] - p.x, dy = module.center[1] - p.y, dz = module.center[2] - p.z;
  const float towards = p.tx * module.w[0] + p.ty * module.w[1] + cot * module.w[2];
  if (std::fabs(towards) < 1e-3f) return false;
  const float s = (dx * module.w[0] + dy * module.w[1] + dz * module.w[2]) / towards;
  const float qx = s * p.tx - dx, qy = s * p.ty - dy, qz = s * cot - dz;
  const float u = qx * module.u[0] + qy * module.u[1] + qz * module.u[2];
  const float v = qx * module.v[0] + qy * module.v[1] + qz * module.v[2];
  return std::fabs(u) < module.half_u - margin && std::fabs(v) < module.half_v - margin;
}

/// Crossing of a helix with a layer; active is false where it passes beside or between modules.
HELIX_HD Crossing cross_layer(const Helix& helix, const DetectorView& detector, std::int32_t l, float margin) {
  const Layer layer = detector.layers[l];
  const bool barrel = layer.kind == LayerKind::barrel;
  float chord, arc;
  if (barrel) {
    const float squared = layer.position * layer.position - helix.dxy * helix.dxy;
    if (squared <= 0.f) return {false, -1.f};
    chord = std::sqrt(squared);
    const float s = 0.5f * helix.curvature * chord;
    if (std::fabs(s) > 0.9f) return {false, -1.f};
    arc = chord * asin_over(s);
    const float z = helix.z0 + helix.cot * arc;
    if (!(z >= layer.coordinate_min && z <= layer.coordinate_max)) return {false, arc};
  } else {
    arc = (layer.position - helix.z0) / helix.cot;
    const float half = 0.5f * helix.curvature * arc;
    if (!(arc > 0.f) || std::fabs(half) > 1.1f) return {false, -1.f};
    // sin(1.1) / 1.1 > 0.8: the chord is longer than this, and ends outside
    if (0.8f * arc > layer.coordinate_max + std::fabs(helix.dxy) + std::fabs(helix.spot_x) + std::fabs(helix.spot_y))
      return {false, arc};
    chord = std::fabs(half) < 1e-6f ? arc : arc * (sine_of_half(half) / half);
  }
  const Helix::Point p = helix.at_chord(chord, arc);
  const float coordinate = barrel ? p.z : std::sqrt(p.x * p.x + p.y * p.y);
  if (!(coordinate >= layer.coordinate_min && coordinate <= layer.coordinate_max)) return {false, arc};
  const auto phi = static_cast<std::uint32_t>(turn_of(p.x, p.y)) ^ 0x80000000u;
  const Index i_phi = static_cast<Index>((static_cast<std::uint64_t>(phi) * kGridPhi) >> 32);
  const float cells = kGridCoordinate / (layer.coordinate_max - layer.coordinate_min);
  const auto i_coordinate = static_cast<Index>((coordinate - layer.coordinate_min) * cells);
  const Index cell = layer.grid_first + i_phi * kGridCoordinate +
                     (i_coordinate < kGridCoordinate ? i_coordinate : kGridCoordinate - 1);
  for (Index k = detector.grid.begin(cell); k < detector.grid.end(cell); ++k)
    if (crosses(detector.modules[detector.grid_modules[k]], p, helix.cot, margin)) return {true, arc};
  return {false, arc};
}

}  // namespace helix::patatrack
