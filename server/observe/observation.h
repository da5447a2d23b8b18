#pragma once

#include "server/observe/gpu_metrics.h"
#include "server/observe/pipeline_metrics.h"
#include "server/observe/service_metrics.h"
#include "server/observe/trace.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace helix::server {

/// The devices of pipelines, one a lane.
using LaneDevices = std::map<std::string, std::vector<std::string>>;

/// All that the daemon tells about itself: metrics and the trace of its last batches. Thread-safe.
class Observation {
 public:
  explicit Observation(std::size_t trace_batches) : unplaced_(registry_, "none"), trace_(trace_batches) {}

  /// The observer of the pipeline of that name, the same one each time; lives as long as this.
  Observer& pipeline(const std::string& name);

  /// The lanes in service: the device of each, by pipeline. Others have no series any more.
  void set_lanes(const LaneDevices& devices);

  /// Of requests that reach no pipeline.
  Observer& unplaced() { return unplaced_; }

  /// All metrics in Prometheus' text format; `state`: as it is now.
  std::string metrics_text(const ServiceState& state) const;

  std::string trace_json() const { return trace_.json(); }

 private:
  prometheus::Registry registry_;
  RequestMetrics unplaced_;
  Trace trace_;
  GpuMetrics gpus_;
  std::mutex mutex_;  // guards pipelines_
  std::map<std::string, std::unique_ptr<PipelineMetrics>> pipelines_;
};

}  // namespace helix::server
