#pragma once

// The broken line (V. Blobel, NIM A 566 (2006) 14): a trajectory that bends by an unknown small angle at each thin
// scatterer; least squares over its offsets, with each kink measured to be 0 within the width of multiple scattering.
//
// The simple way sets up the normal equations of all offsets (banded, bordered by the curvature), solves them and
// inverts the matrix for the covariance at the beam line. Here the same equations are eliminated from the outermost
// point inwards, in the variables (offset, slope, curvature) at the current point: adding a measurement, adding a
// scatterer (a rank-one change) and moving to the next point need no division by distances, so that hits a fraction
// of a millimetre apart and stiff tracks are harmless in single precision, and what is left at the beam line are the
// parameters and their inverse covariance. Same minimum, same chi2, a few hundred operations a track.

#include "kernels/core/exec.h"
#include "kernels/event/hits.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/config.h"
#include "kernels/patatrack/ntuplets.h"
#include "kernels/patatrack/prepare.h"

namespace helix::patatrack {

/// Parameters at the closest approach to the beam line, with their covariance; the transverse three and the
/// longitudinal two are fitted apart, their covariance is 0. chi2 of the two fits have n - 3 and n - 2 degrees.
struct TrackFit {
  float phi, dxy, q_over_pt;  // rad, mm, 1/GeV
  float cos_phi, sin_phi;
  float cot_theta, dz;  // -, mm
  float circle[6];      // covariance of (phi, dxy, q_over_pt): 00 01 02 11 12 22
  float line[3];        // covariance of (cot_theta, dz): 00 01 11
  float chi2_circle, chi2_line;
};

/// Fits each track of three hits or more.
///
/// hits      sorted hits, and the batch they came from (its errors)
/// tracks    rows of sorted hits, inner to outer
/// returns   [tracks]; a row whose equations are singular (all hits at one place) has chi2_line = infinity
Span<const TrackFit> fit_broken_lines(Exec& exec, const HitBatch& batch, const SortedHits& hits,
                                      const DetectorView& detector, const TrackHits& tracks);

}  // namespace helix::patatrack
