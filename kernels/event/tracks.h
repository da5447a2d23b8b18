#pragma once

#include "kernels/core/ragged.h"

#include <array>
#include <cstdint>
#include <vector>

namespace helix {

/// Number of stored elements of a symmetric 5x5 covariance.
inline constexpr int kCovarianceSize = 15;

/// Row of element (i, j), i <= j < 5, in the packed upper triangle (row by row: 00 01 02 03 04 11 12 .. 44).
constexpr int covariance_row(int i, int j) { return i * 5 - i * (i - 1) / 2 + (j - i); }

/// Quality of a track, ordered: a selection keeps those at or above a level.
enum class Quality : std::uint8_t {
  rejected = 0,  ///< fails the selection; written only on request
  loose = 1,
  tight = 2,  ///< used for vertices
};

/// Tracks of a batch, owned, structure of arrays. Parameters at the closest approach to the event's beam line.
/// Order of parameters everywhere, and of the covariance: phi, dxy, q_over_pt, cot_theta, dz.
struct Tracks {
  std::vector<Index> event_offsets;  // [events + 1] tracks of event e
  std::vector<Index> hit_offsets;    // [tracks + 1]
  std::vector<Index> hit;            // [hit_offsets.back()] row of the hit within its event, inner to outer
  std::vector<float> phi;            // [tracks] rad, (-pi, pi]
  std::vector<float> dxy;            // [tracks] mm; -x sin(phi) + y cos(phi), x and y from the beam spot
  std::vector<float> q_over_pt;      // [tracks] 1/GeV
  std::vector<float> cot_theta;      // [tracks]
  std::vector<float> dz;             // [tracks] mm, z minus the beam spot's
  std::vector<std::array<float, kCovarianceSize>> covariance;  // [tracks] packed upper triangle
  std::vector<float> chi2;                                     // [tracks]
  std::vector<std::int32_t> ndof;                              // [tracks]
  std::vector<float> score;           // [tracks] selection score: log odds of being a true track
  std::vector<std::uint8_t> quality;  // [tracks] Quality
  std::vector<Index> vertex;          // [tracks] row of its vertex within the event, -1: none

  Index n_tracks() const { return static_cast<Index>(phi.size()); }
};

/// Vertices of a batch, owned; those of an event in falling order of sum_pt2.
struct Vertices {
  std::vector<Index> event_offsets;  // [events + 1]
  std::vector<float> x, y, z;        // [vertices] mm, global frame; x and y are the beam line's
  std::vector<float> var_z;          // [vertices] mm^2
  std::vector<Index> n_tracks;       // [vertices]
  std::vector<float> sum_pt2;        // [vertices] GeV^2
  std::vector<float> chi2;           // [vertices]

  Index n_vertices() const { return static_cast<Index>(z.size()); }
};

/// What one event cost, for benchmarks, answers and metrics.
struct EventCounters {
  Index hits = 0, doublets = 0, cells = 0, tuples = 0, tracks = 0, vertices = 0;
};

}  // namespace helix
