#include "server/lanes/engines.h"

#include "kernels/core/comma_list.h"
#include "kernels/exatrkx/engine.h"
#include "server/lanes/usable.h"
#include "server/observe/log.h"

#include <algorithm>

namespace helix::server {
namespace {

Engines cpu_engines(const Detector& detector, const Options& options, const EngineOptions& common) {
  EngineOptions engine = common;
  const int lanes = cpu_lanes(options.server);
  engine.threads = options.server.cpu_threads;
  engine.memory_budget = cpu_lane_budget(engine.memory_budget, lanes, usable_memory());
  Engines engines;
  for (int lane = 0; lane < lanes; ++lane) engines.push_back(make_cpu_engine(detector, options.patatrack, engine));
  return engines;
}

Result<Engines> cuda_engines(const Detector& detector, const Options& options, const EngineOptions& common) {
  const int devices = cuda_device_count();
  if (devices == 0)
    return unavailable("backend is cuda, but there is no usable CUDA device, or this program was built without CUDA");
  Engines engines;
  for (int lane = 0; lane < devices * options.server.cuda_lanes; ++lane) {
    EngineOptions engine = common;
    engine.device = lane % devices;
    Result<std::unique_ptr<Engine>> made = make_cuda_engine(detector, options.patatrack, engine);
    if (!made.ok()) return made.status();
    engines.push_back(*std::move(made));
  }
  return engines;
}

bool use_cuda(const Options& options) {
  return options.server.backend == Backend::cuda ||
         (options.server.backend == Backend::automatic && cuda_device_count() > 0);
}

EngineOptions engine_options(const Options& options) {
  EngineOptions engine;
  engine.memory_budget = static_cast<std::size_t>(options.server.memory_budget);
  return engine;
}

Result<Engines> model_on_cpu(const exatrkx::Model& model, const Options& options) {
  Result<std::shared_ptr<const exatrkx::Networks>> networks =
      exatrkx::load_networks(model, {options.exatrkx.precision});
  if (!networks.ok()) return networks.status();
  EngineOptions engine = engine_options(options);
  const int lanes = options.exatrkx.lanes, threads = options.exatrkx.threads;
  engine.threads = threads > 0 ? threads : std::max(1, usable_cpus() / lanes);
  Engines engines;
  for (int lane = 0; lane < lanes; ++lane) engines.push_back(make_exatrkx_engine(model, *networks, engine));
  return engines;
}

/// One copy of the weights a device, for all of its lanes.
Result<Engines> model_on_cuda(const exatrkx::Model& model, const Options& options) {
  EngineOptions engine = engine_options(options);
  Engines engines;
  for (engine.device = 0; engine.device < cuda_device_count(); ++engine.device) {
    Result<std::shared_ptr<const exatrkx::CudaNetworks>> networks =
        exatrkx::load_cuda_networks(model, {options.exatrkx.precision}, engine.device, engine.memory_budget);
    if (!networks.ok()) return networks.status();
    for (int lane = 0; lane < options.server.cuda_lanes; ++lane) {
      Result<std::unique_ptr<Engine>> made = make_exatrkx_cuda_engine(model, *networks, engine);
      if (!made.ok()) return made.status();
      engines.push_back(*std::move(made));
    }
  }
  return engines;
}

Result<ModelLanes> open_model(const std::string& folder, const Options& options) {
  Result<exatrkx::Model> model = exatrkx::load_model(folder);
  if (!model.ok()) return model.status();
  const bool on_cuda = use_cuda(options) && exatrkx::has_cuda_networks();
  if (use_cuda(options) && !on_cuda)
    log::warn("exatrkx.cpu", {{"model", model->name}, {"reason", "this program's LibTorch has no CUDA half"}});
  Result<Engines> engines = on_cuda ? model_on_cuda(*model, options) : model_on_cpu(*model, options);
  if (!engines.ok()) return engines.status();
  return ModelLanes{*std::move(model), *std::move(engines)};
}

}  // namespace

std::size_t cpu_lane_budget(std::size_t wanted, int lanes, std::size_t usable) {
  return std::min(wanted, usable / 2 / static_cast<std::size_t>(lanes));
}

int cpu_lanes(const ServerOptions& options) {
  return options.cpu_lanes > 0 ? options.cpu_lanes : std::max(1, usable_cpus() / options.cpu_threads);
}

Result<std::vector<ModelLanes>> make_model_lanes(const Options& options) {
  std::vector<ModelLanes> all;
  std::vector<std::string_view> folders = comma_list(options.exatrkx.models);
  std::erase(folders, "");
  if (!folders.empty() && !exatrkx::has_networks()) {
    log::warn("exatrkx.absent", {{"reason", "this program was built without LibTorch"}});
    return all;
  }
  for (const std::string_view folder : folders) {
    Result<ModelLanes> lanes = open_model(std::string(folder), options);
    if (!lanes.ok()) return lanes.status();
    for (const ModelLanes& other : all)
      if (other.model.name == lanes->model.name)
        return invalid_argument("models " + other.model.folder + " and " + std::string(folder) +
                                " have the same name, " + other.model.name);
    all.push_back(*std::move(lanes));
  }
  return all;
}

Result<Engines> make_engines(const Detector& detector, const Options& options) {
  const EngineOptions common = engine_options(options);
  if (use_cuda(options)) return cuda_engines(detector, options, common);
  return cpu_engines(detector, options, common);
}

}  // namespace helix::server
