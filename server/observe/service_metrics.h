#pragma once

#include "server/batching/queue_stats.h"

#include <prometheus/metric_family.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace helix::server {

/// What waits and runs in one pipeline at this moment.
struct PipelineState {
  std::string pipeline;
  QueueStats queue{};
  int admitted_requests = 0;  // wait or run
  std::size_t admitted_bytes = 0;
  std::size_t lanes_in_service = 0;
};

/// What the queues of one pipeline have counted since the start: of the one in service and of those that it replaced.
struct QueueTotals {
  std::uint64_t accepted = 0, completed = 0, cancelled = 0, expired = 0, failed = 0, late = 0, retries = 0;

  QueueTotals& operator+=(const QueueStats& queue);
};

struct ServiceState {
  bool ready = false;
  std::vector<PipelineState> pipelines;       // in service
  std::map<std::string, QueueTotals> totals;  // of all that ever were, by pipeline
};

std::vector<prometheus::MetricFamily> service_metrics(const ServiceState& state);

}  // namespace helix::server
