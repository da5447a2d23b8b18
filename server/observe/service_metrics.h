#pragma once

#include <prometheus/metric_family.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace helix::server {

/// What waits and runs in one pipeline at this moment.
struct PipelineState {
  std::string pipeline;
  std::size_t waiting_requests = 0, waiting_bytes = 0;
  std::int64_t waiting_hits = 0;
  std::chrono::nanoseconds oldest_age{};  // of what waits; 0: nothing waits
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
