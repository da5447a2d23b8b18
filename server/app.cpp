#include "server/app.h"

#include "kernels/core/file.h"
#include "server/observe/log.h"

namespace helix::server {
namespace {

constexpr std::chrono::minutes kWarmUpPatience{5};
// What streams that gRPC owns (reflection) may still take at the end; all calls of ours are over by then.
constexpr std::chrono::milliseconds kServerPatience{1000};

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "; ") + text;
  return all;
}

}  // namespace

Result<std::unique_ptr<App>> App::start(const Options& options, std::shared_ptr<const Detector> detector,
                                        const EngineFactory& make_engines) {
  std::unique_ptr<App> app(new App(options));
  if (Status status = app->start_http(); !status.ok()) return status;
  if (Status status = app->make_pipelines_ready(detector, make_engines); !status.ok()) return status;
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
                             {"devices", joined(app->pipelines_.current()->all().front()->lanes().devices())}});
  return app;
}

App::App(const Options& options)
    : options_(options),
      observation_(static_cast<std::size_t>(options.trace.batches)),
      reconstruct_(pipelines_, gate_, observation_.unplaced(),
                   {options.stream.max_in_flight, static_cast<std::size_t>(options.stream.max_unsent_bytes)}) {}

Status App::make_pipelines_ready(std::shared_ptr<const Detector> detector, const EngineFactory& make_engines) {
  Result<std::unique_ptr<PipelineTable>> table = make_pipelines(
      options_, std::move(detector), make_engines, observation_, [this] { health_.set_all_not_serving(); });
  if (!table.ok()) return table.status();
  if (Status status = (*table)->wait_warm(Clock::now() + kWarmUpPatience); !status.ok()) return status;
  for (const char* service : {v1::Reconstruction::service_full_name(), ""}) health_.set(service, true);
  for (const std::string& name : (*table)->names()) health_.set(name, true);
  pipelines_.replace(*std::move(table));
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
  const Pipelines::Lease table = pipelines_.current();
  if (!table) return state;
  for (const auto& pipeline : table->all()) {
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
  close();
  pipelines_.stop(unavailable("server is stopping"), Clock::now());
  health_.end_watches();
  if (listening_.server) listening_.server->Shutdown(std::chrono::system_clock::now() + kServerPatience);
}

/// Nothing more is let in.
void App::close() {
  gate_.close();
  reconstruct_.drain_streams();
}

bool App::drain(const std::stop_token& stop) {
  log::info("server.draining", {{"under_way", gate_.inside()}});
  health_.set_all_not_serving();
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, stop, options_.server.drain_delay, [] { return false; });
  close();
  const bool drained = gate_.wait_empty(Clock::now() + options_.server.drain_timeout, stop);
  log::info("server.drained", {{"complete", drained}, {"left", gate_.inside()}});
  return drained;
}

bool App::stop(std::chrono::milliseconds patience) {
  health_.set_all_not_serving();
  close();
  return pipelines_.stop(unavailable("server is stopping"), Clock::now() + patience);
}

}  // namespace helix::server
