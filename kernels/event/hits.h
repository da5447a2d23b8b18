#pragma once

#include "kernels/core/ragged.h"

#include <cstdint>

namespace helix {

/// The beam line of an event: parameters of tracks are given at their closest approach to it. mm.
struct BeamSpot {
  float x = 0, y = 0, z = 0;
};

/// Hits of all events of a batch, end to end. Columns have n_hits() entries.
struct HitBatch {
  Span<const float> x, y, z;         // [hits] mm, global frame
  Span<const std::uint32_t> module;  // [hits] row of Detector::modules
  Span<const float> var_u, var_v;    // [hits] mm^2 along the module's u and v; empty: the geometry's defaults
  Span<const float> size_u, size_v;  // [hits] cluster size in pixels; empty: not known
  Offsets events;                    // [events + 1] hits of event e: events.begin(e) .. events.end(e)
  Span<const BeamSpot> beam_spot;    // [events] mm
  // [hits] for models that look at them; empty: not known
  Span<const float> charge{};              // of the cluster, electrons
  Span<const float> local_u{}, local_v{};  // mm, on the module

  HELIX_HD Index n_events() const { return events.rows(); }
  HELIX_HD Index n_hits() const { return static_cast<Index>(x.size()); }
};

/// A column that a request may leave out.
using HitColumn = Span<const float> HitBatch::*;  // by a name: nvcc would write parentheses that GCC warns of
struct OptionalColumn {
  const char* name;
  HitColumn of;
};
inline constexpr OptionalColumn kOptionalColumns[] = {
    {"var_u", &HitBatch::var_u},     {"var_v", &HitBatch::var_v},   {"size_u", &HitBatch::size_u},
    {"size_v", &HitBatch::size_v},   {"charge", &HitBatch::charge}, {"local_u", &HitBatch::local_u},
    {"local_v", &HitBatch::local_v},
};

}  // namespace helix
