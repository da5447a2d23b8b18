#pragma once

#include "kernels/engine.h"
#include "server/config/options.h"

#include <functional>
#include <memory>
#include <vector>

namespace helix::server {

using Engines = std::vector<std::unique_ptr<Engine>>;

/// Makes the engines of all lanes; tests bring their own.
using EngineFactory = std::function<Result<Engines>(const Detector&, const Options&)>;

/// One engine a CUDA device, or one a CPU lane.
/// errors: unavailable (backend cuda, and there is no usable device)
Result<Engines> make_engines(const Detector& detector, const Options& options);

}  // namespace helix::server
