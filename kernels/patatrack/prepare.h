#pragma once

#include "kernels/core/exec.h"
#include "kernels/core/phi.h"
#include "kernels/event/hits.h"
#include "kernels/geometry/detector.h"

namespace helix::patatrack {

/// Bins in phi of each (event, layer) segment: where a window search starts.
inline constexpr Index kPhiBins = 512;

/// Hits in the order (event, layer, phi, z or r), in the frame whose z axis is the event's beam line.
/// Ties of that order are broken by the position in the batch. Hits on modules without a layer are left out.
struct SortedHits {
  Span<const float> x, y, z, r;        // [sorted] mm, from the beam spot
  Span<const Turn> phi;                // [sorted]
  Span<const float> cot_min, cot_max;  // [sorted] range of |cot theta| that the cluster size allows
  Span<const float> scattering;        // [sorted] squared angle, times pt^2, in the hit's layer: GeV^2
  Span<const Index> original;          // [sorted] row in the batch
  Span<const Index> event;             // [sorted]
  Span<const std::int32_t> layer;      // [sorted]
  Span<const std::int32_t> module;     // [sorted]
  Offsets segments;                    // [events * layers + 1] sorted hits of (event, layer)
  Span<const Index> bins;              // [events * layers * kPhiBins + 1] first sorted hit at or after each phi bin

  HELIX_HD Index n_hits() const { return static_cast<Index>(x.size()); }
};

HELIX_HD Index phi_bin(Turn phi) { return static_cast<Index>((static_cast<std::uint32_t>(phi) ^ 0x80000000u) >> 23); }

/// Sorts the hits of a batch. hits holds validated columns, on the exec's device.
SortedHits prepare_hits(Exec& exec, const HitBatch& hits, const DetectorView& detector, bool use_cluster_sizes);

}  // namespace helix::patatrack
