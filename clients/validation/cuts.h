#pragma once

#include <array>
#include <optional>

namespace helix::validation {

/// Which particles, interactions and tracks count.
struct Cuts {
  int min_hits = 3;     // distinct layers that a particle must have hits on
  double min_pt = 0.9;  // GeV
  double max_eta = 2.5;
  double max_radius = 20;      // mm, of the point where the particle was made
  double max_vz = 300;         // mm
  double vertex_min_pt = 0.5;  // GeV
  int vertex_min_tracks = 4;
  std::optional<double> min_quality;  // of tracks; empty: all
};

/// Frame that parameters are compared in.
struct Frame {
  double field = 3.8;                 // T
  std::array<double, 3> beam_spot{};  // mm
};

}  // namespace helix::validation
