#pragma once

#include "server/batching/gate.h"
#include "server/config/options.h"
#include "server/observe/http.h"
#include "server/observe/observation.h"
#include "server/pipelines.h"
#include "server/reloader.h"
#include "server/transport/admin_service.h"
#include "server/transport/health.h"
#include "server/transport/listen.h"
#include "server/transport/reconstruct_service.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace helix::server {

/// What the daemon needs of the program around it.
struct Program {
  /// The settings as they are now; empty: they cannot be read again.
  std::function<Result<Options>()> read_options;
  /// Begins the end, as SIGTERM does; empty: the program has its own ways. From any thread, and again.
  std::function<void()> end;
};

/// The daemon: owns everything. Members stand in the order in which they start; they stop in reverse.
class App {
 public:
  /// Makes the lanes and, when all are warm, opens the port; not any more when `stop` is requested before that.
  /// errors: invalid_argument (addresses), unavailable (no device, address in use, stopped)
  static Result<std::unique_ptr<App>> start(const Options& options, std::shared_ptr<const Detector> detector,
                                            const EngineFactory& make_engines, Program program = {},
                                            const std::stop_token& stop = {});
  /// Refuses what waits, waits for what runs.
  ~App();

  /// Of the first TCP address.
  int port() const { return listening_->port; }
  /// Of /metrics and the like; 0: none.
  int http_port() const;
  const Observation& observation() const { return observation_; }
  Pipelines::Lease pipelines() const { return pipelines_.current(); }

  /// Reads settings, geometry and models again, makes and warms pipelines beside those in service, and puts them in
  /// their place, whose requests are finished first. After an error nothing has changed. `done` is called once, from
  /// another thread, when the old pipelines have ended, or after drain_timeout.
  void reload(Reloader::Done done) { reloader_->reload(std::move(done)); }

  /// Takes the server out of service: health says NOT_SERVING; after drain_delay the addresses are closed, clients are
  /// sent away and new requests are refused; then waits for those under way. Whether all were answered before
  /// drain_timeout; gives up early when `stop` is requested.
  bool drain(const std::stop_token& stop = {});

  /// Refuses what waits and ends the lanes. False: a lane is still at its batch at the deadline, and so would be ~App.
  bool stop(std::chrono::milliseconds patience);

 private:
  App(const Options& options, EngineFactory make_engines, Program program);
  Status make_ready(const Options& options, std::shared_ptr<const Detector> detector, const std::stop_token& stop);
  Status open();
  Reloader::Outcome read_again(const std::stop_token& stop);
  void put_in_service(std::unique_ptr<PipelineTable> table, const Options& options);
  void lost(int generation);
  void tell_health();
  void describe(v1::StatusResponse& status) const;
  Options options() const;
  Status start_http();
  Status open_http();
  void wait_for_http(const std::stop_token& stop);
  ServiceState state() const;
  HttpPages pages() const;
  void ask_for_end();
  void close();

  const EngineFactory make_engines_;
  const Program program_;
  const Clock::time_point started_ = Clock::now();
  mutable std::mutex mutex_;  // guards the four below, and http_
  Options options_;
  int generation_ = 0;  // of the pipelines in service
  bool draining_ = false, closed_ = false;

  Observation observation_;
  Gate gate_;
  HealthService health_;
  Pipelines pipelines_;
  ReconstructService reconstruct_;
  AdminService admin_;
  std::unique_ptr<Reloader> reloader_;
  std::unique_ptr<Listening> listening_;
  std::atomic<bool> open_ = false;  // lanes are warm, the port is open
  std::unique_ptr<HttpServer> http_;
  std::jthread http_waiter_;
};

}  // namespace helix::server
