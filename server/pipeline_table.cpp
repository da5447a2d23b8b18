#include "server/pipeline_table.h"

#include "kernels/echo/engine.h"
#include "kernels/patatrack/config_io.h"

#include <algorithm>

namespace helix::server {
namespace {

constexpr const char* kPatatrack = "patatrack";
constexpr const char* kExatrkx = "exatrkx";
constexpr const char* kEcho = "echo";

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

Engines echo_engines(const Options& options) {
  Engines engines;
  for (int lane = 0; lane < cpu_lanes(options.server); ++lane) engines.push_back(echo::make_engine());
  return engines;
}

/// The beginning of a text that a client sent, for messages; no character is cut in two.
std::string beginning_of(const std::string& text) {
  std::size_t n = std::min<std::size_t>(text.size(), 64);
  while (n > 0 && n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;
  return text.substr(0, n);
}

bool serves(const Pipeline& pipeline) { return pipeline.lanes().in_service() > 0; }

std::string kind_of(const std::string& name) { return name.substr(0, name.find('/')); }

}  // namespace

Result<Pipeline*> PipelineTable::find(const std::string& name) const {
  std::string known;
  for (const auto& pipeline : pipelines_) {
    const std::string& full = pipeline->facts().name;
    if (full == name || kind_of(full) == name) return pipeline.get();
    known += (known.empty() ? "" : ", ") + full;
  }
  return not_found("no pipeline \"" + beginning_of(name) + "\"; there is " + known);
}

std::map<std::string, bool> PipelineTable::serving() const {
  std::map<std::string, bool> serving;
  for (const auto& pipeline : pipelines_) {
    const std::string& full = pipeline->facts().name;
    for (const std::string& name : {kind_of(full), full})
      serving.emplace(name, serves(*pipeline));  // as find: the first
  }
  return serving;
}

LaneDevices PipelineTable::devices() const {
  LaneDevices devices;
  for (const auto& pipeline : pipelines_) devices[pipeline->facts().name] = pipeline->lanes().devices();
  return devices;
}

bool PipelineTable::any_serves() const {
  return std::any_of(pipelines_.begin(), pipelines_.end(),
                     [](const auto& pipeline) { return pipeline->facts().name != kEcho && serves(*pipeline); });
}

std::optional<Status> PipelineTable::wait_warm(Clock::time_point deadline) const {
  Status all;
  for (const auto& pipeline : pipelines_) {
    const std::optional<Status> warm = pipeline->lanes().wait_warm(deadline);
    if (!warm) return std::nullopt;
    if (all.ok() && !warm->ok())
      all = {warm->code(), "pipeline " + pipeline->facts().name + " does not warm up: " + warm->message()};
  }
  return all;
}

bool PipelineTable::stop(const Status& reason, Clock::time_point deadline) const {
  bool ended = true;
  for (const auto& pipeline : pipelines_) ended = pipeline->stop(reason, deadline) && ended;
  return ended;
}

Result<std::unique_ptr<PipelineTable>> make_pipelines(const Options& options, std::shared_ptr<const Detector> detector,
                                                      const EngineFactory& make_engines, Observation& observation,
                                                      const std::function<void()>& all_lost) {
  const Result<PipelineOptions> pipeline = pipeline_options(options);
  if (!pipeline.ok()) return pipeline.status();
  Result<Engines> engines = make_engines(*detector, options);
  if (!engines.ok()) return engines.status();
  Result<std::vector<ModelLanes>> models = make_model_lanes(options);
  if (!models.ok()) return models.status();

  auto table = std::make_unique<PipelineTable>(budget_in_all(options));
  const auto add = [&](PipelineFacts facts, std::shared_ptr<const Detector> geometry, Engines lanes) {
    Observer& observer = observation.pipeline(facts.name);
    table->add(std::make_unique<Pipeline>(std::move(facts), std::move(geometry), *pipeline, &table->in_all(),
                                          std::move(lanes), all_lost, observer));
  };
  add(patatrack_facts(options), std::move(detector), *std::move(engines));
  for (ModelLanes& lanes : *models)
    add(exatrkx_facts(options, lanes.model), geometry_of(lanes.model), std::move(lanes.engines));
  add(common_facts(options, kEcho, echo::settings_digest()), std::make_shared<const Detector>(echo::no_geometry()),
      echo_engines(options));
  return table;
}

}  // namespace helix::server
