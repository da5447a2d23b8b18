#pragma once

#include "kernels/core/exec.h"
#include "kernels/event/hits.h"
#include "kernels/exatrkx/components.h"
#include "kernels/exatrkx/networks.h"
#include "kernels/pipeline_output.h"

namespace helix::exatrkx {

/// Components as tracks: hits from the inside out, parameters of a fitted helix, no vertices, no counters.
///
/// logit  [edges] score of a track: their mean over edges whose ends are both its hits
/// field  T, along z
PipelineOutput make_tracks(Exec& exec, const HitBatch& batch, const Components& components, const EdgeList& edges,
                           Span<const float> logit, float field);

}  // namespace helix::exatrkx
