#pragma once

#include "kernels/engine.h"
#include "kernels/exatrkx/model.h"
#include "server/config/options.h"

#include <functional>
#include <memory>
#include <vector>

namespace helix::server {

using Engines = std::vector<std::unique_ptr<Engine>>;

/// Makes the engines of all lanes; tests bring their own.
using EngineFactory = std::function<Result<Engines>(const Detector&, const Options&)>;

/// Lanes of the CPU backend: server.cpu_lanes, or one for each cpu_threads of the processors that this process may use.
int cpu_lanes(const ServerOptions& options);

/// Bytes that a lane may take: what is wanted, or less where all lanes at once would take more than half of what is
/// usable.
std::size_t cpu_lane_budget(std::size_t wanted, int lanes, std::size_t usable);

/// One engine a lane: server.cuda_lanes on each CUDA device, or cpu_lanes.
/// errors: unavailable (backend cuda, and there is no usable device)
Result<Engines> make_engines(const Detector& detector, const Options& options);

/// A model of Exa.TrkX in service.
struct ModelLanes {
  exatrkx::Model model;
  Engines engines;  // one a lane; those of a device share its networks
};

/// The models of options.exatrkx.models; none, with a warning, where the program was built without LibTorch.
/// errors: not_found, invalid_argument (a folder or file of a model, two models of one name)
Result<std::vector<ModelLanes>> make_model_lanes(const Options& options);

}  // namespace helix::server
