#pragma once

#include "kernels/core/exec.h"
#include "kernels/patatrack/features.h"
#include "kernels/patatrack/vertices.h"

namespace helix::patatrack {

/// The tracks of a batch: rows of the n-tuplets, in rising order, which is by event.
struct Selection {
  Span<const Index> tuple;  // [tracks]
  Span<const float> score;  // [tracks] log odds
  Offsets events;           // [events + 1] tracks of each event
  VertexTable vertices;
  Span<const Index> vertex;  // [tracks] row of vertices, -1: none
};

/// Everything that is known of the candidates.
struct Candidates {
  SortedHits hits;
  Ntuplets tuples;   // one hit a layer
  TrackHits tracks;  // all hits
  Span<const TrackFit> fit;
  Span<TrackFeatures> features;  // kVertex is filled in here
};

/// Scores the candidates, resolves their competition for hits in favour of the higher score (each round accepts those
/// that are best at all their hits), finds vertices of good tracks, scores again with the distance to them, resolves
/// again, and finds the final vertices. The result does not depend on the order of candidates.
Selection select_tracks(Exec& exec, Index n_events, const Candidates& candidates, const ScoreView& scores,
                        const SelectConfig& config, const VertexConfig& vertex_config);

}  // namespace helix::patatrack
