#pragma once

#include "kernels/core/ragged.h"
#include "kernels/event/tracks.h"

#include <array>

namespace helix::exatrkx {

/// Hits of one track around the event's beam line, inner to outer. mm
struct TrackPoints {
  Span<const double> x, y, z;
};

/// Parameters at the closest approach to the beam line, as in Tracks.
struct HelixFit {
  double phi = 0, dxy = 0, q_over_pt = 0, cot_theta = 0, dz = 0;
  std::array<double, kCovarianceSize> covariance{};
  double chi2 = 0;  // of the distances from the helix, in units of kHitSpread
  int ndof = 0;
};

/// Error of a hit that chi2 is told in: the pipeline knows none. mm
inline constexpr double kHitSpread = 0.1;

/// Fits a circle in the transverse plane, then a line in (arc length, z); all hits weigh the same, and the covariance
/// is scaled to the hits' spread about the helix, or kHitSpread where that is less or three hits leave none.
///
/// field    T, along z; 0: q_over_pt is 0
/// errors   none; fewer than three points, or points at one place, give zeros and ndof -1
/// source   V. Karimaki, NIM A 305 (1991) 187
HelixFit fit_helix(const TrackPoints& points, double field);

}  // namespace helix::exatrkx
