#pragma once

#include "server/batching/gate.h"
#include "server/config/options.h"
#include "server/observe/http.h"
#include "server/observe/observation.h"
#include "server/pipelines.h"
#include "server/transport/health.h"
#include "server/transport/listen.h"
#include "server/transport/reconstruct_service.h"

#include <grpcpp/server.h>

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>

namespace helix::server {

/// The daemon: owns everything. Members stand in the order in which they start; they stop in reverse.
class App {
 public:
  /// Makes the lanes and, when all are warm, opens the port.
  /// errors: invalid_argument (addresses), unavailable (no device, address in use)
  static Result<std::unique_ptr<App>> start(const Options& options, std::shared_ptr<const Detector> detector,
                                            const EngineFactory& make_engines);
  /// Refuses what waits, waits for what runs.
  ~App();

  /// Of the first TCP address.
  int port() const { return listening_.port; }
  /// Of /metrics and the like; 0: none.
  int http_port() const { return http_ ? http_->port() : 0; }
  const Observation& observation() const { return observation_; }
  Pipelines::Lease pipelines() const { return pipelines_.current(); }

  /// Takes the server out of service: health says NOT_SERVING, after drain_delay new requests are refused, then
  /// waits for those under way. Whether all were answered before drain_timeout; gives up early when `stop` is
  /// requested.
  bool drain(const std::stop_token& stop = {});

  /// Refuses what waits and ends the lanes. False: a lane is still at its batch at the deadline, and so would be ~App.
  bool stop(std::chrono::milliseconds patience);

 private:
  explicit App(const Options& options);
  void close();
  Status make_pipelines_ready(std::shared_ptr<const Detector> detector, const EngineFactory& make_engines);

  Status start_http();
  ServiceState state() const;
  HttpPages pages() const;

  const Options options_;
  Observation observation_;
  Gate gate_;
  HealthService health_;
  Pipelines pipelines_;
  ReconstructService reconstruct_;
  Listening listening_;
  std::atomic<bool> open_ = false;  // lanes are warm, the port is open
  std::unique_ptr<HttpServer> http_;
};

}  // namespace helix::server
