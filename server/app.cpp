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

std::vector<std::string> devices_of(const Engines& engines) {
  std::vector<std::string> devices;
  for (const auto& engine : engines) devices.push_back(engine->device());
  return devices;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "; ") + text;
  return all;
}

}  // namespace

Result<std::unique_ptr<App>> App::start(const Options& options, std::shared_ptr<const Detector> detector,
                                        const EngineFactory& make_engines) {
  Result<Engines> engines = make_engines(*detector, options);
  if (!engines.ok()) return engines.status();
  Result<std::vector<ModelLanes>> models = make_model_lanes(options);
  if (!models.ok()) return models.status();
  std::unique_ptr<App> app(new App(options, detector, *std::move(engines), *std::move(models)));
  if (Status status = app->start_http(); !status.ok()) return status;
  if (Status status = app->wait_warm(); !status.ok()) return status;
  Result<Listening> listening =
      listen(options.server.listen, options.limits.max_message_bytes, {&app->reconstruct_, &app->health_});
  if (!listening.ok()) return listening.status();
  app->listening_ = *std::move(listening);
  if (!options.server.port_file.empty())
    if (Status status = write_file(options.server.port_file, std::to_string(app->port()) + "\n"); !status.ok())
      return status;
  app->open_ = true;
  log::info("server.ready", {{"version", HELIX_VERSION},
                             {"listen", joined(app->listening_.addresses)},
                             {"http_port", app->http_port()},
                             {"geometry", detector->name},
                             {"devices", joined(app->pipelines_.all().front()->lanes().devices())}});
  return app;
}

App::App(const Options& options, std::shared_ptr<const Detector> detector, Engines engines,
         std::vector<ModelLanes> models)
    : options_(options),
      observation_(static_cast<std::size_t>(options.trace.batches)),
      reconstruct_(pipelines_, gate_, observation_.unplaced()) {
  const AdmissionBudget admission{options.queue.max_requests, static_cast<std::size_t>(options.queue.max_bytes)};
  const BatchBudget batch{options.batch.max_events, options.batch.max_hits};
  // Before the lanes: one that loses its device at once must find its entry.
  for (const char* service : {kPatatrack, v1::Reconstruction::service_full_name(), ""}) health_.set(service, true);
  Observer& patatrack = observation_.pipeline(kPatatrack, devices_of(engines));
  pipelines_.add(std::make_unique<Pipeline>(
      patatrack_facts(options), std::move(detector), admission, batch, std::move(engines),
      [this] { health_.set_all_not_serving(); }, patatrack));
  for (ModelLanes& lanes : models) {
    PipelineFacts facts = exatrkx_facts(options, lanes.model);
    const std::string name = facts.name;
    if (&lanes == &models.front()) health_.set(kExatrkx, true);
    health_.set(name, true);
    Observer& observer = observation_.pipeline(name, devices_of(lanes.engines));
    pipelines_.add(std::make_unique<Pipeline>(
        std::move(facts), geometry_of(lanes.model), admission, batch, std::move(lanes.engines),
        [this] { health_.set_all_not_serving(); }, observer));
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

Status App::start_http() {
  if (options_.http.listen.empty()) return {};
  Result<std::unique_ptr<HttpServer>> http = HttpServer::start(options_.http.listen, pages());
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  if (options_.http.port_file.empty()) return {};
  return write_file(options_.http.port_file, std::to_string(http_port()) + "\n");
}

HttpPages App::pages() const {
  HttpPages pages;
  pages["/metrics"] = {[this] {
    return HttpAnswer{.type = "text/plain; version=0.0.4; charset=utf-8", .body = observation_.metrics_text(state())};
  }};
  pages["/healthz"] = {[] { return HttpAnswer{.body = "alive\n"}; }};
  pages["/readyz"] = {[this] {
    return state().ready ? HttpAnswer{.body = "ready\n"} : HttpAnswer{.code = 503, .body = "not ready\n"};
  }};
  pages["/debug/trace"] = {[this] { return HttpAnswer{.type = "application/json", .body = observation_.trace_json()}; },
                           true};
  return pages;
}

ServiceState App::state() const {
  ServiceState state{open_ && health_.serving(""), {}};
  for (const auto& pipeline : pipelines_.all()) {
    const QueueDepth depth = pipeline->queue().depth();
    state.pipelines.push_back({.pipeline = pipeline->facts().name,
                               .waiting_requests = depth.requests,
                               .waiting_bytes = depth.bytes,
                               .waiting_hits = depth.hits,
                               .oldest_age = depth.oldest_age,
                               .admitted_requests = pipeline->admission().requests(),
                               .admitted_bytes = pipeline->admission().bytes(),
                               .lanes_in_service = pipeline->lanes().in_service()});
  }
  return state;
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

}  // namespace helix::server
