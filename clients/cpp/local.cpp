#include "clients/cpp/local.h"

#include "clients/cpp/filter.h"
#include "clients/cpp/hit_batch.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/config_io.h"

#include <chrono>
#include <cstdlib>
#include <limits>
#include <semaphore>
#include <utility>

namespace helix {
namespace {

constexpr const char* kPipeline = "patatrack";

/// What a server limits for the sake of others; here memory is the limit, which the engine watches.
HitLimits no_limits() {
  constexpr std::int64_t most = std::numeric_limits<Index>::max() - 1;
  return {most, most, most};
}

Status check_pipeline(const std::string& name) {
  if (name == kPipeline) return {};
  return not_found("no pipeline \"" + name + "\": there is " + kPipeline);
}

}  // namespace

std::string default_geometry() {
  const char* folder = std::getenv("HELIX_GEOMETRY");
  return folder != nullptr && *folder != '\0' ? folder : "config/geometry/phase1";
}

struct LocalReconstructor::Impl {
  Detector detector;
  patatrack::Config config;
  BeamSpot beam_spot;
  std::unique_ptr<Engine> engine;
  Provenance provenance;
  std::binary_semaphore turn{1};  // guards engine

  /// The engine for one call; false if told to stop before its turn came.
  bool take_turn(const std::stop_token& stop) {
    while (!turn.try_acquire_for(std::chrono::milliseconds(100)))
      if (stop.stop_requested()) return false;
    return true;
  }
};

namespace {
struct Turn {
  std::binary_semaphore& taken;
  ~Turn() { taken.release(); }
};
}  // namespace

LocalReconstructor::LocalReconstructor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalReconstructor::~LocalReconstructor() = default;

Result<std::unique_ptr<LocalReconstructor>> LocalReconstructor::make(const LocalOptions& options) {
  Result<Detector> detector = load_detector(options.geometry);
  if (!detector.ok()) return detector.status();
  Result<patatrack::Config> config = patatrack::Config();
  if (!options.settings.empty()) config = patatrack::load_config(options.settings);
  if (!config.ok()) return config.status();

  auto impl = std::make_unique<Impl>();
  impl->detector = std::move(*detector);
  impl->config = *config;
  impl->beam_spot = options.beam_spot;
  impl->engine = make_cpu_engine(impl->detector, impl->config, options.engine);
  impl->provenance = {kPipeline,
                      HELIX_VERSION,
                      impl->detector.name,
                      impl->detector.digest,
                      patatrack::config_digest(impl->config),
                      impl->engine->backend(),
                      impl->engine->device()};
  return std::unique_ptr<LocalReconstructor>(new LocalReconstructor(std::move(impl)));
}

Result<Reconstruction> LocalReconstructor::reconstruct(const ReconstructCall& call, std::stop_token stop) {
  if (Status status = check_pipeline(call.pipeline); !status.ok()) return status;
  HitBatchColumns columns;
  const Result<HitBatch> batch = make_batch(call.hits, impl_->detector, impl_->beam_spot, no_limits(), columns);
  if (!batch.ok()) return batch.status();

  if (!impl_->take_turn(stop)) return Status(Code::cancelled, "cancelled before it began");
  const Turn turn{impl_->turn};
  Result<BatchResult> result = impl_->engine->run(*batch);
  if (!result.ok()) return result.status();

  Reconstruction out;
  out.request_id = call.request_id;
  const std::uint32_t min_quality = call.min_quality.value_or(0);
  out.tracks = min_quality > 0 ? with_quality(result->tracks, min_quality) : std::move(result->tracks);
  out.vertices = std::move(result->vertices);
  out.counters = std::move(result->counters);
  out.provenance = impl_->provenance;
  out.time.copy_in = result->copy_in;
  out.time.compute = result->compute;
  out.time.copy_out = result->copy_out;
  out.time.stages = std::move(result->stages);
  out.time.batch_events = static_cast<std::uint32_t>(batch->n_events());
  return out;
}

Result<std::vector<std::string>> LocalReconstructor::pipelines() { return std::vector<std::string>{kPipeline}; }

Result<PipelineDescription> LocalReconstructor::describe(const std::string& pipeline) {
  if (Status status = check_pipeline(pipeline); !status.ok()) return status;
  PipelineDescription out;
  out.provenance = impl_->provenance;
  out.modules = static_cast<std::uint32_t>(impl_->detector.modules.size());
  out.layers = static_cast<std::uint32_t>(impl_->detector.layers.size());
  out.field = impl_->detector.field;
  for (const auto& [stage, s] : patatrack::describe_config(impl_->config))
    out.parameters.push_back({stage, s.name, s.value, s.unit, s.range, s.help});
  out.devices = {impl_->provenance.device};
  return out;
}

Result<std::unique_ptr<Reconstructor>> connect_or_local(const ClientOptions& server, const LocalOptions& local) {
  auto client = Client::connect(server);
  if (client.ok()) return std::unique_ptr<Reconstructor>(std::move(*client));
  if (client.status().code() != Code::unavailable) return client.status();
  auto here = LocalReconstructor::make(local);
  if (!here.ok()) return here.status();
  return std::unique_ptr<Reconstructor>(std::move(*here));
}

}  // namespace helix
