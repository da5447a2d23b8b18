#pragma once

#include "kernels/engine.h"

namespace helix::exatrkx {

/// Runs an event of no meaning through an engine: threads are started, memory is taken, and what LibTorch prepares at
/// the first call is prepared. On the thread that will run batches: LibTorch's threads belong to the one that calls it.
Status warm_up(Engine& engine);

}  // namespace helix::exatrkx
