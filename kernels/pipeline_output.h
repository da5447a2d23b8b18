#pragma once

#include "kernels/core/ragged.h"
#include "kernels/engine.h"
#include "kernels/event/hits.h"
#include "kernels/event/tracks.h"

namespace helix {

/// Vertices along the beam line, in rows by event, within an event in falling order of sum_pt2.
struct VertexTable {
  Offsets events;                   // [events + 1]
  Span<const float> z, var_z;       // mm, mm^2
  Span<const float> sum_pt2, chi2;  // GeV^2
  Span<const Index> n_tracks;
};

/// What a pipeline made of a batch, in the exec's memory until its arena is reset.
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

/// Owned copies of columns in host memory.
BatchResult copy_result(const PipelineOutput& output, Span<const BeamSpot> beam_spot);

}  // namespace helix
