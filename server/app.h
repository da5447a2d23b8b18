#pragma once

#include "server/batching/gate.h"
#include "server/config/options.h"
#include "server/lanes/engines.h"
#include "server/transport/health.h"
#include "server/transport/listen.h"
#include "server/transport/reconstruct_service.h"

#include <grpcpp/server.h>

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
  const PipelineTable& pipelines() const { return pipelines_; }

  /// Takes the server out of service: health says NOT_SERVING, after drain_delay new requests are refused, then
  /// waits for those under way. Whether all were answered before drain_timeout; gives up early when `stop` is
  /// requested.
  bool drain(const std::stop_token& stop = {});

  /// Refuses what waits and ends the lanes. False: a lane is still at its batch at the deadline, and so would be ~App.
  bool stop(std::chrono::milliseconds patience);

  /// Whether a lane was taken out of service because its thread hangs: only std::_Exit ends the process then.
  bool any_lane_hangs() const;

 private:
  App(const Options& options, const PipelineOptions& pipeline, std::shared_ptr<const Detector> detector,
      Engines engines, std::vector<ModelLanes> models);
  Status wait_warm();

  const Options options_;
  Gate gate_;
  HealthService health_;
  Admission admission_;  // of all pipelines
  PipelineTable pipelines_;
  ReconstructService reconstruct_;
  Listening listening_;
};

}  // namespace helix::server
