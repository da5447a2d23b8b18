#pragma once

#include "kernels/core/exec.h"
#include "kernels/event/hits.h"
#include "kernels/event/tracks.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/config.h"
#include "kernels/patatrack/select.h"
#include "kernels/pipeline_output.h"

namespace helix::patatrack {

/// Hits to tracks and vertices. hits are validated and, like detector and scores, in the exec's memory.
/// throws OutOfArena where the batch needs more than the memory budget
PipelineOutput run_pipeline(Exec& exec, const HitBatch& hits, const DetectorView& detector, const Config& config);

}  // namespace helix::patatrack
