#include "server/app.h"

#include "kernels/core/file.h"
#include "server/config/fixed.h"
#include "server/observe/log.h"
#include "server/observe/service_manager.h"
#include "server/wait.h"

#include <unistd.h>

#include <map>

namespace helix::server {
namespace {

constexpr std::chrono::minutes kWarmUpPatience{5};
constexpr std::chrono::milliseconds kStep{100};

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "; ") + text;
  return all;
}

/// How the warm-up went; none: stopped, or it takes too long. Looks up from time to time, so that the end of the server
/// is not held up.
std::optional<Status> wait_warm(const PipelineTable& table, const std::stop_token& stop) {
  const Clock::time_point deadline = Clock::now() + kWarmUpPatience;
  std::optional<Status> warm;
  while (!warm && !stop.stop_requested() && Clock::now() < deadline) warm = table.wait_warm(Clock::now() + kStep);
  return warm;
}

void describe(Pipeline& pipeline, v1::PipelineStatus& out) {
  out.set_name(pipeline.facts().name);
  out.set_backend(pipeline.lanes().backend());
  for (const std::string& device : pipeline.lanes().devices()) out.add_devices(device);
  out.set_lanes_in_service(static_cast<std::uint32_t>(pipeline.lanes().in_service()));
  out.set_waiting(static_cast<std::uint32_t>(pipeline.queue().waiting()));
  out.set_requests(static_cast<std::uint32_t>(pipeline.admission().requests()));
  out.set_bytes(pipeline.admission().bytes());
  out.set_max_requests(static_cast<std::uint32_t>(pipeline.admission().budget().max_requests));
  out.set_max_bytes(pipeline.admission().budget().max_bytes);
  out.set_geometry(pipeline.detector().name);
  out.set_geometry_digest(pipeline.detector().digest);
  out.set_settings_digest(pipeline.facts().settings_digest);
}

}  // namespace

Result<std::unique_ptr<App>> App::start(const Options& options, std::shared_ptr<const Detector> detector,
                                        const EngineFactory& make_engines, Program program,
                                        const std::stop_token& stop) {
  std::unique_ptr<App> app(new App(options, make_engines, std::move(program)));
  if (Status status = app->start_http(); !status.ok()) return status;
  if (Status status = app->make_ready(options, detector, stop); !status.ok()) return status;
  if (Status status = app->open(); !status.ok()) return status;
  app->open_ = true;
  log::info("server.ready", {{"version", HELIX_VERSION},
                             {"listen", joined(app->listening_->addresses)},
                             {"http_port", app->http_port()},
                             {"geometry", detector->name},
                             {"devices", joined(app->pipelines()->all().front()->lanes().devices())}});
  return app;
}

App::App(const Options& options, EngineFactory make_engines, Program program)
    : make_engines_(std::move(make_engines)),
      program_(std::move(program)),
      options_(options),
      observation_(static_cast<std::size_t>(options.trace.batches)),
      reconstruct_(pipelines_, gate_, observation_.unplaced(),
                   {options.stream.max_in_flight, static_cast<std::size_t>(options.stream.max_unsent_bytes)}),
      admin_(options.admin.access, {.describe = [this](v1::StatusResponse& status) { describe(status); },
                                    .drain = [this] { ask_for_end(); },
                                    .reload = [this](Reloader::Done done) { reload(std::move(done)); },
                                    .trace = [this] { return observation_.trace_json(); }}),
      reloader_(std::make_unique<Reloader>([this](const std::stop_token& stop) { return read_again(stop); })) {}

Status App::open() {
  const ServerOptions& server = options_.server;
  Result<std::unique_ptr<Listening>> listening =
      listen(server.listen, server.share_port, options_.limits, {&reconstruct_, &health_, &admin_});
  if (!listening.ok()) return listening.status();
  listening_ = *std::move(listening);
  return server.port_file.empty() ? Status() : write_file(server.port_file, std::to_string(port()) + "\n");
}

Options App::options() const {
  const std::scoped_lock lock(mutex_);
  return options_;
}

/// Puts pipelines of these settings in service when their warm-up has ended. One that failed is better than none, when
/// the server starts; a reload stays with those that are in service.
Status App::make_ready(const Options& options, std::shared_ptr<const Detector> detector, const std::stop_token& stop) {
  int generation;
  {
    const std::scoped_lock lock(mutex_);
    generation = generation_ + 1;
  }
  Result<std::unique_ptr<PipelineTable>> table = make_pipelines(options, std::move(detector), make_engines_,
                                                                observation_, [this, generation] { lost(generation); });
  if (!table.ok()) return table.status();
  const std::optional<Status> warm = wait_warm(**table, stop);
  if (!warm) return unavailable(stop.stop_requested() ? "server is draining" : "pipelines did not warm up in time");
  if (!warm->ok() && generation > 1) return *warm;
  put_in_service(*std::move(table), options);
  return {};
}

void App::put_in_service(std::unique_ptr<PipelineTable> table, const Options& options) {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  options_ = options;
  observation_.set_lanes(table->devices());
  pipelines_.replace(std::move(table));
  tell_health();
}

/// A pipeline of this generation has no device left.
void App::lost(int generation) {
  const std::scoped_lock lock(mutex_);
  if (generation == generation_) tell_health();
}

/// Of each pipeline in service, and of what is said for all of them. mutex_ is held, so that what was read last is told
/// last.
void App::tell_health() {
  const Pipelines::Lease table = pipelines_.current();
  std::map<std::string, bool> serving = table->serving();
  for (const char* all : {"", v1::Reconstruction::service_full_name()}) serving[all] = table->any_serves();
  serving[v1::Admin::service_full_name()] = true;
  health_.set(serving);
}

Reloader::Outcome App::read_again(const std::stop_token& stop) {
  if (!program_.read_options) return unavailable("this server cannot read its settings again");
  const Options before = options();
  const auto start = Clock::now();
  notify_reloading();
  const auto attempt = [&]() -> Reloader::Outcome {
    Result<Options> next = program_.read_options();
    if (!next.ok()) return next.status();
    std::vector<std::string> kept = keep_fixed(before, *next);
    Result<Detector> detector = load_detector(next->server.geometry);
    if (!detector.ok()) return detector.status();
    if (Status status = make_ready(*next, std::make_shared<const Detector>(*std::move(detector)), stop); !status.ok())
      return status;
    log::configure(next->log.level, next->log.format);
    return kept;
  };
  const Reloader::Outcome outcome = attempt();
  if (!stop.stop_requested()) notify_ready();
  if (!outcome.ok()) {
    log::error("reload.failed", {{"error", outcome.status().message()}, {"effect", "nothing has changed"}});
    return outcome;
  }
  for (const std::string& setting : *outcome)
    log::warn("reload.not_changed", {{"setting", setting}, {"reason", "changes with a restart only"}});
  const bool ended = pipelines_.wait_replaced(Clock::now() + before.server.drain_timeout, stop);
  if (!ended)
    log::warn("reload.old_in_use", {{"seconds", before.server.drain_timeout.count() / 1000},
                                    {"effect", "the old pipelines end with their last request"}});
  log::info("reload.done",
            {{"ms", std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count()}});
  return outcome;
}

void App::ask_for_end() {
  if (program_.end) program_.end();
}

void App::describe(v1::StatusResponse& status) const {
  status.set_version(HELIX_VERSION);
  status.set_pid(static_cast<std::uint32_t>(getpid()));
  status.set_uptime_ms(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_).count()));
  status.set_calls(static_cast<std::uint32_t>(gate_.inside()));
  status.set_log_level(log::setting_names(log::Level{})[static_cast<int>(log::level())]);
  {
    const std::scoped_lock lock(mutex_);
    status.set_draining(draining_);
    status.set_reloads(static_cast<std::uint32_t>(generation_ - 1));
  }
  const Pipelines::Lease lease = pipelines();
  for (const auto& pipeline : lease->all()) {
    v1::PipelineStatus& out = *status.add_pipelines();
    server::describe(*pipeline, out);
    out.set_health(health_.of(pipeline->facts().name));
  }
}

App::~App() {
  close();
  pipelines_.stop(unavailable("server is stopping"), Clock::now());
  health_.end_watches();
}

/// Nothing more is let in.
void App::close() {
  {
    const std::scoped_lock lock(mutex_);
    draining_ = true;
    if (std::exchange(closed_, true)) return;
  }
  health_.set_draining();
  reloader_->stop();
  gate_.close();
  reconstruct_.drain_streams();
  if (listening_) listening_->send_away();
}

bool App::drain(const std::stop_token& stop) {
  log::info("server.draining", {{"under_way", gate_.inside()}});
  {
    const std::scoped_lock lock(mutex_);
    draining_ = true;
  }
  reloader_->stop();
  health_.set_draining();
  const ServerOptions server = options().server;
  wait(server.drain_delay, stop);
  close();
  const bool drained = gate_.wait_empty(Clock::now() + server.drain_timeout, stop);
  log::info("server.drained", {{"complete", drained}, {"left", gate_.inside()}});
  return drained;
}

bool App::stop(std::chrono::milliseconds patience) {
  close();
  return pipelines_.stop(unavailable("server is stopping"), Clock::now() + patience);
}

}  // namespace helix::server
