#pragma once

#include "kernels/core/exec.h"
#include "kernels/patatrack/config.h"
#include "kernels/patatrack/doublets.h"
#include "kernels/patatrack/fast_circle.h"
#include "kernels/patatrack/overlaps.h"

namespace helix::patatrack {

/// The cellular automaton's graph: doublets that share a hit and may be of one particle. Each connection is a triplet.
struct Connections {
  Offsets rows;                 // [doublets + 1] by the inner doublet
  Span<const Index> inner;      // [connections] inner doublet
  Span<const Index> outer;      // [connections] outer doublet
  Span<const float> curvature;  // [connections] 1/mm, of the circle through the three hits; > 0 turns left

  Span<const std::int32_t> alone;  // [connections] 1: passes so near the beam line that it may be a track by itself

  HELIX_HD Index n() const { return static_cast<Index>(outer.size()); }
};

/// Connects doublets whose slopes agree within the scattering in the middle layer and the hits' errors, and whose
/// circle is stiff enough and passes the beam line. Of overlapping hits in line with the other hit of a doublet only
/// the preferred one is used (fishbone).
Connections connect_doublets(Exec& exec, const SortedHits& hits, const Overlaps& overlaps, const Doublets& doublets,
                             const DetectorView& detector, const Config& config);

}  // namespace helix::patatrack
