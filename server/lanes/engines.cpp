#include "server/lanes/engines.h"

#include "server/lanes/cpus.h"

#include <algorithm>

namespace helix::server {
namespace {

Engines cpu_engines(const Detector& detector, const Options& options, const EngineOptions& common) {
  EngineOptions engine = common;
  const int lanes = options.server.cpu_lanes;
  engine.threads = options.server.cpu_threads > 0 ? options.server.cpu_threads : std::max(1, usable_cpus() / lanes);
  Engines engines;
  for (int lane = 0; lane < lanes; ++lane) engines.push_back(make_cpu_engine(detector, options.patatrack, engine));
  return engines;
}

Result<Engines> cuda_engines(const Detector& detector, const Options& options, const EngineOptions& common) {
  const int devices = cuda_device_count();
  if (devices == 0)
    return unavailable("backend is cuda, but there is no usable CUDA device, or this program was built without CUDA");
  Engines engines;
  for (int device = 0; device < devices; ++device) {
    EngineOptions engine = common;
    engine.device = device;
    Result<std::unique_ptr<Engine>> made = make_cuda_engine(detector, options.patatrack, engine);
    if (!made.ok()) return made.status();
    engines.push_back(*std::move(made));
  }
  return engines;
}

}  // namespace

Result<Engines> make_engines(const Detector& detector, const Options& options) {
  EngineOptions common;
  common.memory_budget = static_cast<std::size_t>(options.server.memory_budget);
  const Backend backend = options.server.backend;
  if (backend == Backend::cuda || (backend == Backend::automatic && cuda_device_count() > 0))
    return cuda_engines(detector, options, common);
  return cpu_engines(detector, options, common);
}

}  // namespace helix::server
