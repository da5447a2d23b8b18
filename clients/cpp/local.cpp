#include "clients/cpp/local.h"

#include "clients/cpp/filter.h"
#include "clients/cpp/hit_batch.h"
#include "kernels/echo/engine.h"
#include "kernels/exatrkx/engine.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/config_io.h"

#include <chrono>
#include <cstdlib>
#include <limits>
#include <semaphore>
#include <utility>

namespace helix {
namespace {

constexpr const char* kPatatrack = "patatrack";
constexpr const char* kExatrkx = "exatrkx";
constexpr const char* kEcho = "echo";

/// What a server limits for the sake of others; here memory is the limit, which the engine watches.
HitLimits no_limits() {
  constexpr std::int64_t most = std::numeric_limits<Index>::max() - 1;
  return {most, most, most};
}

/// A pipeline in this process.
struct LocalPipeline {
  std::string name;
  Detector detector;  // without modules: hits go by their positions
  std::unique_ptr<Engine> engine;
  Provenance provenance;
  std::vector<ParameterDescription> parameters;
  std::vector<OptionalColumn> columns;  // of hits, that it looks at
  std::string columns_needed_by;        // who cannot do without them; empty: they may be missing
};

void set_provenance(LocalPipeline& pipeline, const std::string& settings_digest) {
  pipeline.provenance = {pipeline.name,
                         HELIX_VERSION,
                         pipeline.detector.name,
                         pipeline.detector.digest,
                         settings_digest,
                         pipeline.engine->backend(),
                         pipeline.engine->device()};
}

Result<LocalPipeline> make_patatrack(const LocalOptions& options) {
  Result<Detector> detector = load_detector(options.geometry);
  if (!detector.ok()) return detector.status();
  Result<patatrack::Config> config = patatrack::Config();
  if (!options.settings.empty()) config = patatrack::load_config(options.settings);
  if (!config.ok()) return config.status();
  LocalPipeline out{kPatatrack, *std::move(detector), nullptr, {}, {}, patatrack::columns_used(), {}};
  out.engine = make_cpu_engine(out.detector, *config, options.engine);
  set_provenance(out, patatrack::config_digest(*config));
  for (const auto& [stage, s] : patatrack::describe_config(*config))
    out.parameters.push_back({stage, s.name, s.value, s.unit, s.range, s.help});
  return out;
}

Result<LocalPipeline> make_exatrkx(const std::string& folder, const LocalOptions& options) {
  const Result<exatrkx::Model> model = exatrkx::load_model(folder);
  if (!model.ok()) return model.status();
  Result<std::shared_ptr<const exatrkx::Networks>> networks = exatrkx::load_networks(*model, options.networks);
  if (!networks.ok()) return networks.status();
  LocalPipeline out{kExatrkx + ("/" + model->name), {}, nullptr, {}, {}, exatrkx::columns_of(*model), {}};
  if (!out.columns.empty()) out.columns_needed_by = "pipeline " + out.name + ": model " + model->name;
  out.detector.name = model->name;
  out.detector.digest = model->digest;
  out.detector.field = model->field;
  out.engine = make_exatrkx_engine(*model, *std::move(networks), options.engine);
  set_provenance(out, model->digest);
  for (const exatrkx::ModelSetting& s : exatrkx::describe_model(*model))
    out.parameters.push_back({s.table, s.key, s.value, "", "", s.help});
  return out;
}

LocalPipeline make_echo() {
  LocalPipeline out{kEcho, echo::no_geometry(), echo::make_engine(), {}, {}, {}, {}};
  set_provenance(out, echo::settings_digest());
  return out;
}

}  // namespace

std::string default_geometry() {
  const char* folder = std::getenv("HELIX_GEOMETRY");
  return folder != nullptr && *folder != '\0' ? folder : "config/geometry/phase1";
}

struct LocalReconstructor::Impl {
  std::vector<LocalPipeline> pipelines;
  BeamSpot beam_spot;
  std::binary_semaphore turn{1};  // guards the engines

  /// By its name, or the part before '/', which means the first of that kind.
  Result<LocalPipeline*> find(const std::string& name) {
    std::string known;
    for (LocalPipeline& pipeline : pipelines) {
      if (pipeline.name == name || pipeline.name.substr(0, pipeline.name.find('/')) == name) return &pipeline;
      known += (known.empty() ? "" : ", ") + pipeline.name;
    }
    return not_found("no pipeline \"" + name + "\": there is " + known);
  }

  /// The engines for one call; false if told to stop before its turn came.
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
  auto impl = std::make_unique<Impl>();
  impl->beam_spot = options.beam_spot;
  if (!options.geometry.empty()) {
    Result<LocalPipeline> pipeline = make_patatrack(options);
    if (!pipeline.ok()) return pipeline.status();
    impl->pipelines.push_back(*std::move(pipeline));
  }
  for (const std::string& folder : options.models) {
    Result<LocalPipeline> pipeline = make_exatrkx(folder, options);
    if (!pipeline.ok()) return pipeline.status();
    impl->pipelines.push_back(*std::move(pipeline));
  }
  impl->pipelines.push_back(make_echo());
  return std::unique_ptr<LocalReconstructor>(new LocalReconstructor(std::move(impl)));
}

Result<Reconstruction> LocalReconstructor::reconstruct(const ReconstructCall& call, std::stop_token stop) {
  const Result<LocalPipeline*> found = impl_->find(call.pipeline);
  if (!found.ok()) return found.status();
  LocalPipeline& pipeline = **found;
  HitBatchColumns columns;
  const Result<HitBatch> batch = make_batch(call.hits, pipeline.detector, impl_->beam_spot, no_limits(), columns);
  if (!batch.ok()) return batch.status();
  if (!pipeline.columns_needed_by.empty())
    if (Status status = check_present(*batch, pipeline.columns, pipeline.columns_needed_by); !status.ok())
      return status;

  if (!impl_->take_turn(stop)) return Status(Code::cancelled, "cancelled before it began");
  const Turn turn{impl_->turn};
  Result<BatchResult> result = pipeline.engine->run(*batch);
  if (!result.ok()) return result.status();

  Reconstruction out;
  out.request_id = call.request_id;
  const std::uint32_t min_quality = call.min_quality.value_or(0);
  out.tracks = min_quality > 0 ? with_quality(result->tracks, min_quality) : std::move(result->tracks);
  out.vertices = std::move(result->vertices);
  out.counters = std::move(result->counters);
  out.provenance = pipeline.provenance;
  out.time.copy_in = result->copy_in;
  out.time.compute = result->compute;
  out.time.copy_out = result->copy_out;
  out.time.stages = std::move(result->stages);
  out.time.batch_events = static_cast<std::uint32_t>(batch->n_events());
  out.time.batch_hits = static_cast<std::uint32_t>(batch->n_hits());
  return out;
}

Result<std::vector<std::string>> LocalReconstructor::pipelines() {
  std::vector<std::string> names;
  for (const LocalPipeline& pipeline : impl_->pipelines) names.push_back(pipeline.name);
  return names;
}

Result<PipelineDescription> LocalReconstructor::describe(const std::string& name) {
  const Result<LocalPipeline*> found = impl_->find(name);
  if (!found.ok()) return found.status();
  const LocalPipeline& pipeline = **found;
  PipelineDescription out;
  out.provenance = pipeline.provenance;
  out.modules = static_cast<std::uint32_t>(pipeline.detector.modules.size());
  out.layers = static_cast<std::uint32_t>(pipeline.detector.layers.size());
  out.field = pipeline.detector.field;
  out.parameters = pipeline.parameters;
  out.devices = {pipeline.provenance.device};
  for (const OptionalColumn& column : pipeline.columns) out.hit_columns.emplace_back(column.name);
  out.hit_columns_needed = !pipeline.columns_needed_by.empty();
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
