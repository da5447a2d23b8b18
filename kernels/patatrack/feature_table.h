#pragma once

#include "kernels/event/hits.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/config.h"

#include <array>
#include <vector>

namespace helix::patatrack {

/// All n-tuplets of one event with their features: what scores are derived from.
struct FeatureTable {
  std::vector<Index> layers;                           // [tuples]
  std::vector<std::uint8_t> candidate;                 // [tuples] passed the first score: its kVertex is known
  std::vector<Index> hit_offsets;                      // [tuples + 1]
  std::vector<Index> hit;                              // row of the hit in the event
  std::vector<std::array<float, kFeatures>> features;  // [tuples]
};

/// Runs the pipeline on the CPU up to the scores. hits: one validated event
FeatureTable make_feature_table(const HitBatch& hits, const Detector& detector, const Config& config);

}  // namespace helix::patatrack
