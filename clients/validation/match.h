#pragma once

#include "clients/validation/reco.h"
#include "clients/validation/truth.h"

#include <cstdint>
#include <vector>

namespace helix::validation {

/// Which particle each track is of. Columns have one entry a track.
struct Matches {
  std::vector<std::int64_t> length;  // hits; one that is named twice counts once, an unknown one each time
  std::vector<std::int32_t> best;    // particle with most of its hits (the first of equals), -1: none
  std::vector<std::int64_t> shared;  // hits of that particle on the track
  std::vector<char> matched;         // more than 75 % of 3 hits or more are of that particle
  std::vector<char> duplicate;       // matched, but not the particle's best track: most shared hits, then shortest
  double trackml = 0;                // TrackML score: weights of hits of double majorities over all weights
  std::int64_t unknown_hits = 0;     // hit ids that the event does not have
  std::int64_t repeated_hits = 0;    // hits named again by the same track
};

Matches match(const TruthEvent& event, const RecoTracks& tracks);

}  // namespace helix::validation
