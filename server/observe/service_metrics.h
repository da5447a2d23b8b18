#pragma once

#include "server/batching/queue_stats.h"

#include <prometheus/metric_family.h>

#include <cstddef>
#include <string>
#include <vector>

namespace helix::server {

/// What waits and runs in one pipeline at this moment.
struct PipelineState {
  std::string pipeline;
  QueueStats queue{};
  int admitted_requests = 0;              // wait or run
  std::size_t admitted_bytes = 0;
  std::size_t lanes_in_service = 0;
};

struct ServiceState {
  bool ready = false;
  std::vector<PipelineState> pipelines;
};

std::vector<prometheus::MetricFamily> service_metrics(const ServiceState& state);

}  // namespace helix::server
