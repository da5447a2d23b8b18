#pragma once

#include "kernels/core/exec.h"
#include "kernels/event/hits.h"
#include "kernels/exatrkx/components.h"

namespace helix::exatrkx {

/// How well the hits of two pieces of a track must lie on one helix, mm; 0: pieces are not joined.
struct JoinCuts {
  float xy = 0, rz = 0;  // root mean square of the distances from the circle, and from the line in (arc, z)
};

/// Joins pieces of one track: one that begins where another ends, further out and in about the same direction, if one
/// helix fits the hits of both. The best fits are taken first; a piece is continued once, and continues one other.
///
/// returns  labels of hits, from 0 in the order of the tracks' first hits
Components join_tracks(Exec& exec, const HitBatch& batch, const Components& pieces, JoinCuts cuts);

}  // namespace helix::exatrkx
