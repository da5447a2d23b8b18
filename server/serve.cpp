#include "server/serve.h"

#include "kernels/geometry/detector.h"
#include "server/app.h"
#include "server/end_watch.h"
#include "server/file_limit.h"
#include "server/lanes/lane_worker.h"
#include "server/observe/grpc_log.h"
#include "server/observe/log.h"
#include "server/observe/service_manager.h"

#include <atomic>
#include <future>
#include <optional>
#include <thread>

namespace helix::server {
namespace {

constexpr std::chrono::seconds kLanePatience{5};

/// What this process was asked for so far.
struct Asked {
  std::atomic<bool> drain = false;  // by the admin service
  int ends = 0;                     // SIGTERM and SIGINT; the second one ends at once, whatever the admin service asked
  bool reload = false;              // SIGHUP, before there was anything to reload
};

int exit_code(const Status& status) {
  const bool settings = status.code() == Code::invalid_argument || status.code() == Code::not_found;
  return settings ? kBadUsage : kNotStarted;
}

/// Works on another thread while this one takes signals: `taken` gets each, and the thread to stop. The work's result,
/// or its exception.
template <class Work>
auto work_beside(Signals& signals, Work work, const std::function<void(int, std::jthread&)>& taken) {
  std::packaged_task<std::invoke_result_t<Work, std::stop_token>(std::stop_token)> task(std::move(work));
  auto result = task.get_future();
  std::atomic<bool> over = false;
  std::jthread thread([&](const std::stop_token& stop) {
    task(stop);
    over = true;
    signals.wake();
  });
  while (!over)
    if (const int signal = signals.wait(); signal != 0) taken(signal, thread);
  return result.get();
}

using Started = Result<std::unique_ptr<App>>;

Started load_and_start(const Options& options, Program program, const std::stop_token& stop) {
  Result<Detector> detector = load_detector(options.server.geometry);
  if (!detector.ok()) return detector.status();
  return App::start(options, std::make_shared<const Detector>(*std::move(detector)), make_engines, std::move(program),
                    stop);
}

/// A signal ends the start, in as much time as an end may take: models and devices don't listen while they are opened.
Started start(const Options& options, Program program, Signals& signals, Asked& asked) {
  std::optional<EndWatch> watch;
  return work_beside(
      signals, [&](const std::stop_token& stop) { return load_and_start(options, std::move(program), stop); },
      [&](int signal, std::jthread& thread) {
        if (signal == SIGHUP) {
          asked.reload = true;
          return;
        }
        log::info("server.start_ends", {{"signal", signal}});
        if (++asked.ends > 1) exit_now(kDrained);
        watch.emplace(kDrained);
        thread.request_stop();
      });
}

int not_started(const Status& why, const Asked& asked) {
  const int code = asked.ends > 0 ? kDrained : exit_code(why);
  if (asked.ends == 0) log::error("server.not_started", {{"error", why.message()}});
  if (hanging_lanes() > 0) exit_now(code);
  return code;
}

void serve_until_end(App& app, Signals& signals, Asked& asked) {
  const auto reload = [&app] { app.reload([](const Reloader::Outcome&) {}); };  // which is logged
  if (asked.reload) reload();
  while (!asked.drain && asked.ends == 0) {
    const int signal = signals.wait();
    if (signal == SIGHUP)
      reload();
    else if (signal != 0)
      ++asked.ends;
  }
}

/// Whether all requests were answered.
bool drain(App& app, Signals& signals, Asked& asked) {
  std::optional<EndWatch> watch;
  return work_beside(
      signals, [&app](const std::stop_token& stop) { return app.drain(stop); },
      [&](int signal, std::jthread& thread) {
        if (signal == SIGHUP || ++asked.ends == 1) return;
        log::warn("server.stop_now", {{"signal", signal}});
        if (!watch) watch.emplace(kNotDrained);
        thread.request_stop();
      });
}

}  // namespace

int serve(const Options& options, const std::function<Result<Options>()>& read_options, Signals& signals) {
  route_grpc_log();
  raise_file_limit();
  Asked asked;
  const auto end = [&] {
    asked.drain = true;
    signals.wake();
  };
  Started app = start(options, {.read_options = read_options, .end = end}, signals, asked);
  if (!app.ok()) return not_started(app.status(), asked);
  if (asked.ends == 0) notify_ready();
  serve_until_end(**app, signals, asked);
  notify_stopping();
  const bool drained = drain(**app, signals, asked);
  const int code = drained ? kDrained : kNotDrained;
  const EndWatch watch(code);
  if (!(*app)->stop(kLanePatience)) {
    // A lane hangs in its device: destructors would wait for it for ever.
    log::error("lane.stuck", {{"seconds", kLanePatience.count()}});
    exit_now(kNotDrained);
  }
  app->reset();
  log::info("server.stopped", {{"drained", drained}});
  if (hanging_lanes() > 0) exit_now(code);
  return code;
}

}  // namespace helix::server
