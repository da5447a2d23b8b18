#pragma once

#include "kernels/core/exec.h"
#include "kernels/patatrack/config.h"
#include "kernels/patatrack/prepare.h"

namespace helix::patatrack {

/// Pairs of hits on the layer pairs of the geometry, in rows by their inner hit; within a row neighbouring layers
/// first, then in the order of the layer pairs, then of phi.
struct Doublets {
  Offsets rows;                    // [sorted hits + 1]
  Span<const Index> inner, outer;  // [doublets] sorted hits
  Span<const float> cot_theta;     // [doublets]
  Span<const float> var_cot;       // [doublets] variance of cot theta from the hits' errors

  HELIX_HD Index n() const { return static_cast<Index>(outer.size()); }
};

/// Finds all doublets that a particle of at least config.min_pt from the luminous region can have left:
/// windows in phi (bending at min_pt plus the pair's own width), in z at the beam line, in the coordinates of both
/// hits and in |cot theta| by cluster size. A doublet that skips a layer is kept if one that skips none goes on from
/// either end with such a slope that the two may be connected.
Doublets find_doublets(Exec& exec, const SortedHits& hits, const DetectorView& detector, const Config& config);

}  // namespace helix::patatrack
