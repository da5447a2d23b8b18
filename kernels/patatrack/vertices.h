#pragma once

#include "kernels/core/exec.h"
#include "kernels/patatrack/config.h"
#include "kernels/pipeline_output.h"

namespace helix::patatrack {

/// Tracks that vertices are made of, in rows by event, within an event in rising order of z.
struct VertexTracks {
  Offsets events;              // [events + 1]
  Span<const float> z, var_z;  // [tracks] mm, mm^2: at the closest approach to the beam line
  Span<const float> pt2;       // [tracks] GeV^2
};

/// Clusters tracks along the beam line by density: each track follows its most compatible neighbour of higher
/// density; the tops are vertices, fitted by weighted means. Those with a bad chi2 are split where that gains most,
/// and all tracks are dealt to the vertices anew until nothing better is found.
VertexTable find_vertices(Exec& exec, const VertexTracks& tracks, const VertexConfig& config);

/// The vertex of an event that a track at z +- sqrt(var_z) fits best, within n_sigma; -1: none. Rows of the table.
HELIX_HD Index nearest_vertex(const VertexTable& vertices, Index event, float z, float var_z, float n_sigma) {
  Index best = -1;
  float least = n_sigma * n_sigma;
  for (Index v = vertices.events.begin(event); v < vertices.events.end(event); ++v) {
    const float d = z - vertices.z[v], chi2 = d * d / (var_z + vertices.var_z[v]);
    if (chi2 < least) {
      least = chi2;
      best = v;
    }
  }
  return best;
}

}  // namespace helix::patatrack
