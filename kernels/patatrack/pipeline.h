#pragma once

#include "kernels/core/exec.h"
#include "kernels/event/hits.h"
#include "kernels/event/tracks.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/config.h"
#include "kernels/patatrack/select.h"

namespace helix::patatrack {

/// What a batch left behind, in the exec's memory until its arena is reset.
struct PipelineOutput {
  // tracks, in rows by event; order of parameters as in event/tracks.h
  Offsets events;                                                     // [events + 1]
  Offsets hit_rows;                                                   // [tracks + 1]
  Span<const Index> hit;                                              // row of the hit within its event
  Span<const float> phi, dxy, q_over_pt, cot_theta, dz, chi2, score;  // [tracks]
  Span<const float> covariance;                                       // [tracks * kCovarianceSize]
  Span<const std::int32_t> ndof;                                      // [tracks]
  Span<const std::uint8_t> quality;                                   // [tracks]
  Span<const Index> vertex;                                           // [tracks] row within the event, -1: none
  // vertices, in rows by event
  VertexTable vertices;                // z from the beam spot's
  Span<const EventCounters> counters;  // [events]
};

/// Hits to tracks and vertices. hits are validated and, like detector and scores, in the exec's memory.
/// throws OutOfArena where the batch needs more than the memory budget
PipelineOutput run_pipeline(Exec& exec, const HitBatch& hits, const DetectorView& detector, const Config& config);

}  // namespace helix::patatrack
