#pragma once

#include "kernels/core/exec.h"
#include "kernels/geometry/score.h"
#include "kernels/patatrack/broken_line.h"
#include "kernels/patatrack/config.h"
#include "kernels/patatrack/ntuplets.h"

namespace helix::patatrack {

/// Features (geometry/score.h) of one n-tuplet.
struct TrackFeatures {
  float value[kFeatures];
};

/// Features of each fitted n-tuplet. [tuples]
Span<TrackFeatures> describe_tracks(Exec& exec, const HitBatch& batch, const SortedHits& hits, const Ntuplets& tuples,
                                    const TrackHits& tracks, Span<const TrackFit> fit, const DetectorView& detector,
                                    const SelectConfig& config);

}  // namespace helix::patatrack
