#pragma once

#include "kernels/core/exec.h"
#include "kernels/patatrack/config.h"
#include "kernels/patatrack/prepare.h"

namespace helix::patatrack {

/// Pairs of hits that one particle may have left on two overlapping modules of one layer.
struct Overlaps {
  Offsets rows;             // [sorted hits + 1]
  Span<const Index> other;  // sorted hit on the other module

  /// Distance (mm) of hit c from the line through a and b, in the transverse plane and in (r, z), is small enough
  /// for the three to be of one particle; c is near b.
  static HELIX_HD bool collinear(const SortedHits& h, Index a, Index b, Index c, float tolerance_xy,
                                 float tolerance_rz) {
    const float x = h.x[b] - h.x[a], y = h.y[b] - h.y[a], r = h.r[b] - h.r[a], z = h.z[b] - h.z[a];
    const float xc = h.x[c] - h.x[b], yc = h.y[c] - h.y[b], rc = h.r[c] - h.r[b], zc = h.z[c] - h.z[b];
    const float cross_xy = x * yc - y * xc, cross_rz = r * zc - z * rc;
    return (cross_xy * cross_xy <= tolerance_xy * tolerance_xy * (x * x + y * y)) &
           (cross_rz * cross_rz <= tolerance_rz * tolerance_rz * (r * r + z * z));
  }
};

/// Of two hits on overlapping modules, the one that doublets are built with: the inner one; ties by index.
HELIX_HD bool preferred(const SortedHits& h, Index a, Index b) {
  return h.r[a] < h.r[b] || (h.r[a] == h.r[b] && a < b);
}

/// Finds, for each hit, the hits on other modules of its layer that are near in phi and that a particle from the beam
/// line could have crossed too.
Overlaps find_overlaps(Exec& exec, const SortedHits& hits, const DetectorView& detector, const DoubletConfig& config);

}  // namespace helix::patatrack
