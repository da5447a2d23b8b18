#include "server/app.h"

#include "kernels/core/file.h"
#include "kernels/patatrack/config_io.h"
#include "server/observe/log.h"

namespace helix::server {
namespace {

constexpr const char* kPatatrack = "patatrack";
constexpr const char* kExatrkx = "exatrkx";
constexpr std::chrono::minutes kWarmUpPatience{5};
// What streams that gRPC owns (reflection) may still take at the end; all calls of ours are over by then.
constexpr std::chrono::milliseconds kServerPatience{1000};

PipelineFacts common_facts(const Options& options, std::string name, std::string settings_digest) {
  return {.name = std::move(name),
          .settings_digest = std::move(settings_digest),
          .parameters = {},
          .limits = options.limits.hits,
          .beam_spot = {options.beam_spot.x, options.beam_spot.y, options.beam_spot.z},
          .columns = {},
          .columns_needed_by = {},
          .retry_after = options.queue.retry_after,
          .max_message_bytes = static_cast<std::size_t>(options.limits.max_message_bytes),
          .memory_budget = static_cast<std::size_t>(options.server.memory_budget)};
}

PipelineFacts patatrack_facts(const Options& options) {
  PipelineFacts facts = common_facts(options, kPatatrack, patatrack::config_digest(options.patatrack));
  facts.columns = patatrack::columns_used();
  for (const patatrack::StageSetting& row : patatrack::describe_config(options.patatrack))
    facts.parameters.push_back({row.stage, row.setting});
  return facts;
}

PipelineFacts exatrkx_facts(const Options& options, const exatrkx::Model& model) {
  PipelineFacts facts = common_facts(options, kExatrkx + ("/" + model.name), model.digest);
  facts.columns = exatrkx::columns_of(model);
  if (!facts.columns.empty()) facts.columns_needed_by = "pipeline " + facts.name + ": model " + model.name;
  for (const exatrkx::ModelSetting& row : exatrkx::describe_model(model))
    facts.parameters.push_back(
        {row.table, {.name = row.key, .value = row.value, .unit = "", .help = row.help, .range = ""}});
  return facts;
}

/// What stands for the geometry of a pipeline that looks at positions alone: its model, without modules.
std::shared_ptr<const Detector> geometry_of(const exatrkx::Model& model) {
  auto detector = std::make_shared<Detector>();
  detector->name = model.name;
  detector->digest = model.digest;
  detector->field = model.field;
  return detector;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "; ") + text;
  return all;
}

}  // namespace

Result<std::unique_ptr<App>> App::start(const Options& options, std::shared_ptr<const Detector> detector,
                                        const EngineFactory& make_engines) {
  const Result<PipelineOptions> pipeline = pipeline_options(options);
  if (!pipeline.ok()) return pipeline.status();
  Result<Engines> engines = make_engines(*detector, options);
  if (!engines.ok()) return engines.status();
  Result<std::vector<ModelLanes>> models = make_model_lanes(options);
  if (!models.ok()) return models.status();
  std::unique_ptr<App> app(new App(options, *pipeline, detector, *std::move(engines), *std::move(models)));
  if (Status status = app->wait_warm(); !status.ok()) return status;
  Result<Listening> listening =
      listen(options.server.listen, options.limits.max_message_bytes, {&app->reconstruct_, &app->health_});
  if (!listening.ok()) return listening.status();
  app->listening_ = *std::move(listening);
  if (!options.server.port_file.empty())
    if (Status status = write_file(options.server.port_file, std::to_string(app->port()) + "\n"); !status.ok())
      return status;
  log::info("server.ready", {{"version", HELIX_VERSION},
                             {"listen", joined(app->listening_.addresses)},
                             {"geometry", detector->name},
                             {"devices", joined(app->pipelines_.all().front()->lanes().devices())}});
  return app;
}

App::App(const Options& options, const PipelineOptions& pipeline, std::shared_ptr<const Detector> detector,
         Engines engines, std::vector<ModelLanes> models)
    : options_(options), admission_(budget_in_all(options)), reconstruct_(pipelines_, gate_) {
  // Before the lanes: one that loses its device at once must find its entry.
  for (const char* service : {kPatatrack, v1::Reconstruction::service_full_name(), ""}) health_.set(service, true);
  pipelines_.add(std::make_unique<Pipeline>(patatrack_facts(options), std::move(detector), pipeline, &admission_,
                                            std::move(engines), [this] { health_.set_all_not_serving(); }));
  for (ModelLanes& lanes : models) {
    PipelineFacts facts = exatrkx_facts(options, lanes.model);
    const std::string name = facts.name;
    if (&lanes == &models.front()) health_.set(kExatrkx, true);
    health_.set(name, true);
    pipelines_.add(std::make_unique<Pipeline>(std::move(facts), geometry_of(lanes.model), pipeline, &admission_,
                                              std::move(lanes.engines), [this] { health_.set_all_not_serving(); }));
  }
}

Status App::wait_warm() {
  const Clock::time_point deadline = Clock::now() + kWarmUpPatience;
  for (const auto& pipeline : pipelines_.all())
    if (!pipeline->lanes().wait_warm(deadline))
      return unavailable("pipeline " + pipeline->facts().name + " did not warm up within " +
                         std::to_string(kWarmUpPatience.count()) + " minutes");
  return {};
}

App::~App() {
  health_.set_all_not_serving();
  gate_.close();
  for (const auto& pipeline : pipelines_.all()) pipeline->queue().refuse_waiting(unavailable("server is stopping"));
  health_.end_watches();
  if (listening_.server) listening_.server->Shutdown(std::chrono::system_clock::now() + kServerPatience);
}

bool App::drain(const std::stop_token& stop) {
  log::info("server.draining", {{"under_way", gate_.inside()}});
  health_.set_all_not_serving();
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, stop, options_.server.drain_delay, [] { return false; });
  gate_.close();
  const bool drained = gate_.wait_empty(Clock::now() + options_.server.drain_timeout, stop);
  log::info("server.drained", {{"complete", drained}, {"left", gate_.inside()}});
  return drained;
}

bool App::stop(std::chrono::milliseconds patience) {
  health_.set_all_not_serving();
  gate_.close();
  bool ended = true;
  for (const auto& pipeline : pipelines_.all())
    ended = pipeline->stop(unavailable("server is stopping"), Clock::now() + patience) && ended;
  return ended;
}

bool App::any_lane_hangs() const {
  for (const auto& pipeline : pipelines_.all())
    if (pipeline->lanes().abandoned() > 0) return true;
  return false;
}

}  // namespace helix::server
