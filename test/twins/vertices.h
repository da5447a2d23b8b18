#pragma once

// Vertices that stand apart: sort by z, cut at each gap, weighted mean of what is between. Double precision.
#include "kernels/patatrack/config.h"

#include <vector>

namespace helix::twins {

struct VertexTrack {
  float z, var_z, pt2;  // mm, mm^2, GeV^2
};

struct FoundVertex {
  double z, var_z, sum_pt2, chi2;
  int n_tracks;
};

/// Vertices of at least config.min_tracks tracks without a gap, mm, between neighbours; in falling order of sum_pt2.
std::vector<FoundVertex> cluster_by_gaps(std::vector<VertexTrack> tracks, double gap,
                                         const patatrack::VertexConfig& config);

}  // namespace helix::twins
