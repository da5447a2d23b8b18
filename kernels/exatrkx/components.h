#pragma once

#include "kernels/core/exec.h"
#include "kernels/core/ragged.h"

namespace helix::exatrkx {

/// Track candidates: points joined by edges.
struct Components {
  Span<const Index> label;         // [points] number of the component in its event, from 0; -1: none
  Span<const Index> n_components;  // [events]
};

/// Weakly connected components of the edges whose score is above the cut (not at it), numbered in each event in the
/// order of their first points. Those of fewer than min_hits points get no number.
///
/// source, target, score   [edges] rows of the batch, in any order; both ends are of one event
/// throws                  OutOfArena, as everywhere
/// source                  J. Jaiganesh, M. Burtscher, HPDC 2018: hooking and pointer jumping without rounds
Components find_components(Exec& exec, Offsets events, Span<const Index> source, Span<const Index> target,
                           Span<const float> score, float cut, Index min_hits);

}  // namespace helix::exatrkx
