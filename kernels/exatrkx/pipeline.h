#pragma once

#include "kernels/core/exec_cpu.h"
#include "kernels/engine.h"
#include "kernels/exatrkx/model.h"
#include "kernels/exatrkx/networks.h"

namespace helix::exatrkx {

/// Runs a batch of validated hits through the networks: x, y, z and beam spots are all it looks at.
/// The batch goes through each network in one call (the edge filter in pieces that fit the memory).
///
/// memory_budget  bytes that a network may take, measured when it was opened: more is refused before it is begun
/// returns        tracks: one a component of min_hits hits or more, hits from the inside out, errors from the hits'
///                spread about the helix; score: mean log odds of its edges. No vertices. Counters: doublets are the
///                edges within the radius, cells those that the filter kept, tuples those that join hits
/// errors         resource_exhausted (names stage, bytes needed and budget), internal (a network failed)
/// throws         OutOfArena
Result<BatchResult> run_pipeline(CpuExec& exec, const HitBatch& batch, const Model& model, const Networks& networks,
                                 std::size_t memory_budget);

}  // namespace helix::exatrkx
