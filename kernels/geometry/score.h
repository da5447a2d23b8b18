#pragma once

#include "kernels/core/hd.h"
#include "kernels/core/ragged.h"

#include <cstdint>

namespace helix {

/// What tells a true track from a chance combination, beside what the cuts of the search use.
enum Feature : int {
  kLineChi2,       ///< log of chi2 of the longitudinal fit per degree of freedom
  kCircleChi2,     ///< log of chi2 of the transverse fit per degree of freedom; of three hits there is none
  kDxyPull,        ///< log of |dxy| over its error
  kDxy,            ///< log of |dxy| / mm
  kInversePt,      ///< 1/pt, 1/GeV
  kSlope,          ///< |cot theta|
  kMissingInner,   ///< layers crossed before the first hit without a hit
  kMissingMiddle,  ///< layers crossed between the first and the last hit without a hit
  kMissingOuter,   ///< layers crossed behind the last hit without a hit
  kClusterSize,    ///< rms distance of |cot theta| from the middle of the cluster sizes' windows, in half widths
  kInLonger,       ///< hits that a longer n-tuplet has too
  kCompetition,    ///< log of the mean number of n-tuplets that use one of the hits
  kInnerPair,      ///< layer pair of the first two layers
  kOuterPair,      ///< layer pair of the last two layers
  kOverlapHits,    ///< hits on overlapping modules
  kOccupancy,      ///< log of the event's hits: the fuller it is, the more of what is found is chance
  kVertex,         ///< log of the distance to the nearest vertex, in errors; known to the second score only
  kFeatures
};

/// Their names in selection.toml.
inline constexpr const char* kFeatureNames[kFeatures] = {
    "line_chi2",     "circle_chi2",    "dxy_pull",      "dxy",          "inverse_pt", "slope",
    "missing_inner", "missing_middle", "missing_outer", "cluster_size", "in_longer",  "competition",
    "inner_pair",    "outer_pair",     "overlap_hits",  "occupancy",    "vertex"};

/// Classes of tracks with scores of their own: on three, four, and more layers.
inline constexpr int kTrackClasses = 3;
/// The first score knows no vertices, the second does.
inline constexpr int kScores = 2;

/// Log odds of being a true track: a sum of one piecewise linear function of each feature between equally spaced nodes,
/// constant outside. As it is made here all are 0: a score that looks at nothing.
struct ScoreTerms {
  float low[kFeatures] = {};           // first node
  float per_unit[kFeatures] = {};      // nodes in an interval of length 1
  std::int32_t first[kFeatures] = {};  // value of the first node in ScoreView::values, where those of the others follow
  std::int32_t last[kFeatures] = {};   // number of the last interval between nodes

  /// Nodes equally spaced over from .. to, whose values stand in ScoreView::values from first_value on.
  void set(Feature f, double from, double to, std::size_t first_value, std::size_t nodes) {
    low[f] = static_cast<float>(from);
    per_unit[f] = static_cast<float>(static_cast<double>(nodes - 1) / (to - from));
    first[f] = static_cast<std::int32_t>(first_value);
    last[f] = static_cast<std::int32_t>(nodes) - 2;
  }
};

struct ScoreView {
  Span<const ScoreTerms> terms;  // [kScores * kTrackClasses]
  Span<const float> values;      // two zeros, for features without a term; then those of the terms
};

/// features: [kFeatures]
HELIX_HD float score_of(const ScoreTerms& terms, Span<const float> values, const float* features) {
  float part[kFeatures];
  const float* value = values.begin();
  for (int f = 0; f < kFeatures; ++f) {  // without branches: features go side by side
    const auto end = static_cast<float>(terms.last[f] + 1);
    float at = (features[f] - terms.low[f]) * terms.per_unit[f];
    at = at > 0.f ? at : 0.f;  // also NaN
    at = at < end ? at : end;
    const auto below = static_cast<std::int32_t>(at);
    const std::int32_t cell = below < terms.last[f] ? below : terms.last[f];
    const float a = value[terms.first[f] + cell], b = value[terms.first[f] + cell + 1];
    part[f] = a + (at - static_cast<float>(cell)) * (b - a);
  }
  float sum = 0;
  for (int f = 0; f < kFeatures; ++f) sum += part[f];
  return sum;
}

}  // namespace helix
