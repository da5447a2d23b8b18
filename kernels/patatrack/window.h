#pragma once

#include "kernels/core/parallel.h"
#include "kernels/patatrack/prepare.h"

namespace helix::patatrack {

/// Calls visit(k) for each hit of the segment (event, layer) whose margin is not negative, out of the phi bins that
/// phi +- half_width (rad) touches; in the order of phi from the lower end, around the seam where need be.
template <class Margin, class Visit>
HELIX_HD void visit_window(const SortedHits& hits, Index segment, Turn phi, float half_width, const Margin& margin,
                           const Visit& visit) {
  const Index base = segment * kPhiBins;
  if (half_width > 3.1f) {
    visit_matching(hits.bins[base], hits.bins[base + kPhiBins], margin, visit);
    return;
  }
  const auto width = static_cast<std::uint32_t>(half_width * kTurnOfRadian);
  const Index low = phi_bin(static_cast<Turn>(static_cast<std::uint32_t>(phi) - width));
  const Index high = phi_bin(static_cast<Turn>(static_cast<std::uint32_t>(phi) + width));
  if (low <= high) {
    visit_matching(hits.bins[base + low], hits.bins[base + high + 1], margin, visit);
  } else {
    visit_matching(hits.bins[base + low], hits.bins[base + kPhiBins], margin, visit);
    visit_matching(hits.bins[base], hits.bins[base + high + 1], margin, visit);
  }
}

}  // namespace helix::patatrack
