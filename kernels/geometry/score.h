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

/// One term of a score: a piecewise linear function of one feature between equally spaced nodes, constant outside.
struct ScoreTerm {
  float low, per_unit;    // first node; nodes in an interval of length 1
  std::int32_t first, n;  // its values in ScoreView::values, one a node; n = 0: no such term
};

/// Log odds of being a true track: a sum of one function of each feature.
struct ScoreView {
  Span<const ScoreTerm> terms;  // [kScores * kTrackClasses * kFeatures]
  Span<const float> values;
};

HELIX_HD float evaluate(const ScoreTerm& term, Span<const float> values, float x) {
  if (term.n == 0) return 0.f;
  const auto last = static_cast<float>(term.n - 1);
  float at = (x - term.low) * term.per_unit;
  at = at > 0.f ? at : 0.f;  // also NaN
  at = at < last ? at : last;
  const auto below = static_cast<std::int32_t>(at);
  const std::int32_t cell = below < term.n - 1 ? below : term.n - 2;
  const float part = at - static_cast<float>(cell);
  const float a = values[term.first + cell], b = values[term.first + cell + 1];
  return a + part * (b - a);
}

}  // namespace helix
