#pragma once

#include "clients/validation/cuts.h"
#include "clients/validation/match.h"
#include "clients/validation/reco.h"
#include "clients/validation/truth.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace helix::validation {

/// Vertices against interactions: counts and residuals, of one event or added up.
struct VertexMatches {
  std::int64_t events = 0;
  std::int64_t accepted = 0, found = 0, merged = 0;   // interactions in acceptance
  std::int64_t signal = 0, signal_found = 0;          // of these the signal
  std::int64_t reco = 0, split = 0, fake = 0;         // vertices
  std::int64_t assigned = 0, right = 0;               // matched tracks with a paired vertex; and it is theirs
  std::int64_t first_known = 0, first_is_signal = 0;  // events; is the vertex of largest sum_pt2 at the signal?
  std::vector<double> dz, pull, dz_signal;            // of pairs in acceptance, mm; pull empty without var_z

  void add(const VertexMatches& other);
};

/// Pairs are made one to one inside a window of 5 sigma (0.2 to 1 mm), nearest first, interactions in acceptance first.
/// Empty where the particles don't say which interaction they are of.
std::optional<VertexMatches> match_vertices(const TruthEvent& event, const TrueParameters& truth, const Cuts& cuts,
                                            const RecoVertices& reco, const RecoTracks& tracks, const Matches& matches);

}  // namespace helix::validation
