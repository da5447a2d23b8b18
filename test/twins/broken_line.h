#pragma once

// The broken line as in V. Blobel, NIM A 566 (2006) 14: unknowns are the offsets at all points, and the curvature;
// hits measure offsets, every scatterer measures its kink to be 0; dense normal equations in double precision.
#include "test/twins/doublets.h"

#include <array>
#include <vector>

namespace helix::twins {

/// Points of a trajectory in one plane, from the beam line outwards.
struct Points {
  std::vector<double> at;                     // mm, along the trajectory; the first is the beam line
  std::vector<double> offset, offset_weight;  // measured; weight 0 where nothing is
  std::vector<double> kink, kink_weight;      // measured to be 0; the first and last have none
  bool bends;                                 // fit a curvature too
};

/// Offset, slope and curvature at the first point.
struct PlaneFit {
  std::array<double, 3> value;
  std::array<std::array<double, 3>, 3> covariance;
  double chi2;
};
PlaneFit fit_points(const Points& points);

/// Parameters and covariances as in the pipeline's TrackFit.
struct FittedTrack {
  double phi, dxy, q_over_pt, cot_theta, dz;
  std::array<double, 6> circle;  // of (phi, dxy, q_over_pt): 00 01 02 11 12 22
  std::array<double, 3> line;    // of (cot_theta, dz): 00 01 11
  double chi2_circle, chi2_line;
  Points transverse, longitudinal;  // what was fitted, as offsets from the circle and line through three of the hits
};

/// Hits of one track, inner to outer; their errors are the geometry's.
FittedTrack fit_broken_line(const std::vector<Hit>& hits, const Detector& detector);

}  // namespace helix::twins
