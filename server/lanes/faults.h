#pragma once

#include "kernels/engine.h"
#include "server/config/options.h"

#include <memory>

namespace helix::server {

/// Whether any fault is switched on.
bool any_fault(const FaultOptions& faults);

/// An engine that fails on purpose, for tests of what the server does then. The engine itself where no fault is on.
std::unique_ptr<Engine> with_faults(std::unique_ptr<Engine> engine, const FaultOptions& faults);

}  // namespace helix::server
