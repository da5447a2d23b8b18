#pragma once

#include "kernels/core/exec.h"
#include "kernels/event/hits.h"
#include "kernels/exatrkx/components.h"

namespace helix::exatrkx {

/// Hits of tracks, in rows by track, from the inside out: by distance from the beam spot, ties by index.
struct TrackRows {
  Offsets events, hits;   // [events + 1] tracks, [tracks + 1] hits
  Span<const Index> hit;  // rows of the batch

  HELIX_HD Index n() const { return static_cast<Index>(hits.at.size()) - 1; }
};

TrackRows list_hits(Exec& exec, const HitBatch& batch, const Components& components);

/// Where hits are, around the beam spots of their events, mm.
struct HitPlaces {
  Span<double> x, y, z;
};

HitPlaces place_hits(Exec& exec, const HitBatch& batch, Span<const Index> hit);

}  // namespace helix::exatrkx
