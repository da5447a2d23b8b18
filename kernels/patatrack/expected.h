#pragma once

#include "kernels/core/hd.h"
#include "kernels/core/lanes.h"
#include "kernels/core/minmax.h"
#include "kernels/core/phi.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/fast_circle.h"

#include <cmath>

namespace helix::patatrack {

/// A point of a helix and its transverse direction there, mm, global frame.
template <class F>
struct HelixPoint {
  F x, y, z;
  F tx, ty;
};

/// Helices around the beam line at (spot_x, spot_y), side by side: what the layers they cross are found with.
struct Helices {
  Lanes curvature, dxy, cos_phi, sin_phi;  // 1/mm, mm
  Lanes z0, cot, inverse_cot;              // mm, global z at the perigee
  Lanes spot_x, spot_y;

  /// The point whose chord from the perigee, in the transverse plane, has this length; |curvature * chord| < 2.
  HELIX_HD HelixPoint<Lanes> at_chord(Lanes chord, Lanes arc) const {
    const Lanes s = 0.5f * curvature * chord, c = root(1.f - s * s);
    const Lanes ux = cos_phi * c - sin_phi * s, uy = sin_phi * c + cos_phi * s;
    return {spot_x - dxy * sin_phi + chord * ux, spot_y + dxy * cos_phi + chord * uy, z0 + cot * arc, ux * c - uy * s,
            uy * c + ux * s};
  }
};

/// sin(x) / x for |x| < 1.2
HELIX_HD Lanes sine_over(Lanes x) {
  const Lanes s = x * x;
  return 1.f - s * (1.f / 6.f - s * (1.f / 120.f - s * (1.f / 5040.f - s * (1.f / 362880.f))));
}

/// Whether the straight line through p along its direction crosses the module's active area, a margin inside.
HELIX_HD bool crosses(const Module& module, const HelixPoint<float>& p, float cot, float margin) {
  const float dx = module.center[0] - p.x, dy = module.center[1] - p.y, dz = module.center[2] - p.z;
  const float towards = p.tx * module.w[0] + p.ty * module.w[1] + cot * module.w[2];
  if (std::fabs(towards) < 1e-3f) return false;
  const float s = (dx * module.w[0] + dy * module.w[1] + dz * module.w[2]) / towards;
  const float qx = s * p.tx - dx, qy = s * p.ty - dy, qz = s * cot - dz;
  const float u = qx * module.u[0] + qy * module.u[1] + qz * module.u[2];
  const float v = qx * module.v[0] + qy * module.v[1] + qz * module.v[2];
  return std::fabs(u) < module.half_u - margin && std::fabs(v) < module.half_v - margin;
}

/// Where helices cross a layer on their way out.
struct Crossings {
  Lanes arc;  // mm, transverse, from the perigee
  HelixPoint<Lanes> point;
  Lanes coordinate;  // mm: z on a barrel layer, r on a disc
  LaneMask inside;   // within the extent of the layer
};

HELIX_HD Crossings cross_layer(const Helices& h, const Layer& layer) {
  Crossings out;
  Lanes chord;
  LaneMask reached;
  if (layer.kind == LayerKind::barrel) {
    const Lanes squared = layer.position * layer.position - h.dxy * h.dxy;
    chord = root(choose(squared > 0.f, squared, Lanes{}));
    const Lanes s = 0.5f * h.curvature * chord;
    reached = (squared > 0.f) & (absolute(s) <= 0.9f);
    out.arc = chord * asin_over(choose(reached, s, Lanes{}));
  } else {
    out.arc = (layer.position - h.z0) * h.inverse_cot;
    const Lanes half = 0.5f * h.curvature * out.arc;
    reached = (out.arc > 0.f) & (absolute(half) <= 1.1f);
    chord = out.arc * sine_over(choose(reached, half, Lanes{}));
  }
  out.point = h.at_chord(choose(reached, chord, Lanes{}), out.arc);
  out.coordinate =
      layer.kind == LayerKind::barrel ? out.point.z : root(out.point.x * out.point.x + out.point.y * out.point.y);
  out.inside = reached & (out.coordinate >= layer.coordinate_min) & (out.coordinate <= layer.coordinate_max);
  return out;
}

/// The cells of the module finder that helices cross the layer in, where they are inside; any of its cells elsewhere.
HELIX_HD void find_cells(Crossings& c, const Layer& layer, Index (&cell)[kLanes]) {
  const float cells = kGridCoordinate / (layer.coordinate_max - layer.coordinate_min);
  const float *x = &lane(c.point.x, 0), *y = &lane(c.point.y, 0), *coordinate = &lane(c.coordinate, 0);
  for (int i = 0; i < kLanes; ++i) {
    const auto phi = static_cast<std::uint32_t>(turn_of(x[i], y[i])) ^ 0x80000000u;
    const auto i_phi = static_cast<Index>((phi >> 16) * kGridPhi >> 16);
    const float at = (coordinate[i] - layer.coordinate_min) * cells;
    const auto i_coordinate = static_cast<Index>(smaller(larger(at, 0.f), kGridCoordinate - 1.f));
    cell[i] = layer.grid_first + i_phi * kGridCoordinate + i_coordinate;
  }
}

/// Whether a helix that crosses a layer at p, in this cell of the module finder, passes the active area of a module, a
/// margin inside: not beside or between modules.
HELIX_HD bool active_at(const HelixPoint<float>& p, float cot, const DetectorView& detector, Index cell, float margin) {
  for (Index k = detector.grid.begin(cell); k < detector.grid.end(cell); ++k)
    if (crosses(detector.modules[detector.grid_modules[k]], p, cot, margin)) return true;
  return false;
}

}  // namespace helix::patatrack
