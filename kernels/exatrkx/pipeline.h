#pragma once

#include "kernels/core/exec.h"
#include "kernels/exatrkx/model.h"
#include "kernels/exatrkx/networks.h"
#include "kernels/pipeline_output.h"

namespace helix::exatrkx {

/// Runs a batch of validated hits through the networks: x, y, z and beam spots are all it looks at.
/// The batch goes through each network in one call (the edge filter in pieces).
///
/// returns  tracks: one a component of min_hits hits or more, hits from the inside out, errors from the hits'
///          spread about the helix; score: mean log odds of its edges. No vertices. Counters: doublets are the
///          edges within the radius, cells those that the filter kept, tuples those that join hits
/// errors   resource_exhausted (names stage, bytes needed and what is left of the budget), internal (a network failed)
/// throws   OutOfArena
Result<PipelineOutput> run_pipeline(Exec& exec, const HitBatch& batch, const Model& model,
                                    const NetworksOn<Exec>& networks);

}  // namespace helix::exatrkx
