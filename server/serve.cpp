#include "server/serve.h"

#include "kernels/geometry/detector.h"
#include "server/app.h"
#include "server/lanes/lane_worker.h"
#include "server/observe/grpc_log.h"
#include "server/observe/log.h"
#include "server/observe/service_manager.h"

#include <cstdlib>
#include <thread>

namespace helix::server {
namespace {

constexpr std::chrono::seconds kLanePatience{5};

int exit_code(const Status& status) {
  const bool settings = status.code() == Code::invalid_argument || status.code() == Code::not_found;
  return settings ? kBadUsage : kNotStarted;
}

Result<std::unique_ptr<App>> start(const Options& options, Program program) {
  route_grpc_log();
  Result<Detector> detector = load_detector(options.server.geometry);
  if (!detector.ok()) return detector.status();
  return App::start(options, std::make_shared<const Detector>(*std::move(detector)), make_engines, std::move(program));
}

void serve_until_end(App& app, Signals& signals) {
  while (signals.wait() == SIGHUP) app.reload([](const Reloader::Outcome&) {});  // which is logged
}

/// Whether all requests were answered. The next signal ends the wait.
bool drain(App& app, Signals& signals) {
  bool drained = false;
  std::jthread thread([&](const std::stop_token& stop) {
    drained = app.drain(stop);
    signals.wake();
  });
  while (const int signal = signals.wait()) {
    if (signal == SIGHUP) continue;
    log::warn("server.stop_now", {{"signal", signal}});
    thread.request_stop();
  }
  thread.join();
  return drained;
}

}  // namespace

int serve(const Options& options, const std::function<Result<Options>()>& read_options, Signals& signals) {
  Result<std::unique_ptr<App>> app = start(options, {.read_options = read_options, .end = Signals::end});
  if (!app.ok()) {
    log::error("server.not_started", {{"error", app.status().message()}});
    return exit_code(app.status());
  }
  notify_ready();
  serve_until_end(**app, signals);
  notify_stopping();
  const bool drained = drain(**app, signals);
  if (!(*app)->stop(kLanePatience)) {
    // A lane hangs in its device: destructors would wait for it for ever.
    log::error("lane.stuck", {{"seconds", kLanePatience.count()}});
    log::flush();
    std::_Exit(kNotDrained);
  }
  app->reset();
  log::info("server.stopped", {{"drained", drained}});
  if (hanging_lanes() > 0) {
    log::flush();
    std::_Exit(drained ? kDrained : kNotDrained);
  }
  return drained ? kDrained : kNotDrained;
}

}  // namespace helix::server
