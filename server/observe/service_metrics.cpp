#include "server/observe/service_metrics.h"

#include "server/observe/buckets.h"
#include "server/observe/samples.h"

namespace helix::server {
namespace {

using Families = std::vector<prometheus::MetricFamily>;
using Labels = std::vector<prometheus::ClientMetric::Label>;
using Type = prometheus::MetricType;

double number(std::uint64_t n) { return static_cast<double>(n); }

/// A metric with one value a pipeline.
struct OfPipeline {
  const char* name;
  const char* help;
  Type type;
  double (*value)(const PipelineState&);
};

constexpr OfPipeline kMetrics[] = {
    {"helixd_queue_requests", "Requests that wait for a lane.", Type::Gauge,
     [](const PipelineState& s) { return number(s.queue.requests); }},
    {"helixd_queue_hits", "Hits of the requests that wait.", Type::Gauge,
     [](const PipelineState& s) { return s.queue.hits; }},
    {"helixd_queue_bytes", "Memory of the requests that wait.", Type::Gauge,
     [](const PipelineState& s) { return number(s.queue.bytes); }},
    {"helixd_queue_oldest_age_seconds", "How long the oldest of them has waited.", Type::Gauge,
     [](const PipelineState& s) { return seconds(s.queue.oldest); }},
    {"helixd_queue_backlog_seconds", "Until what waits and runs will be done, by the cost model.", Type::Gauge,
     [](const PipelineState& s) { return seconds(s.queue.backlog); }},
    {"helixd_queue_clients", "Clients whose share of the lanes is remembered.", Type::Gauge,
     [](const PipelineState& s) { return number(s.queue.clients); }},
    {"helixd_admitted_requests", "Requests that wait or run.", Type::Gauge,
     [](const PipelineState& s) { return static_cast<double>(s.admitted_requests); }},
    {"helixd_admitted_bytes", "Memory of the requests that wait or run.", Type::Gauge,
     [](const PipelineState& s) { return number(s.admitted_bytes); }},
    {"helixd_lanes_in_service", "Lanes whose device is not lost.", Type::Gauge,
     [](const PipelineState& s) { return number(s.lanes_in_service); }},
    {"helixd_queue_accepted_total", "Requests that were let into the queue.", Type::Counter,
     [](const PipelineState& s) { return number(s.queue.accepted); }},
    {"helixd_queue_late_total", "Requests whose deadline could not be met: refused, not queued.", Type::Counter,
     [](const PipelineState& s) { return number(s.queue.rejected_late); }},
    {"helixd_queue_retries_total", "Requests that waited again after their lane was lost.", Type::Counter,
     [](const PipelineState& s) { return number(s.queue.retries); }},
    {"helixd_cost_batch_seconds", "The cost model's fixed part of a batch.", Type::Gauge,
     [](const PipelineState& s) { return s.queue.fixed_ms / 1000; }},
    {"helixd_cost_event_seconds", "The cost model's part of one event of 10,000 hits.", Type::Gauge,
     [](const PipelineState& s) { return s.queue.ms_of_10k_hits / 1000; }},
    {"helixd_cost_bound_seconds", "What a batch may cost; +Inf: no bound.", Type::Gauge,
     [](const PipelineState& s) { return s.queue.cost_bound_ms / 1000; }},
};

Labels label(const PipelineState& pipeline) { return {{"pipeline", pipeline.pipeline}}; }

/// Accepted = all of these, once nothing waits or runs.
prometheus::MetricFamily ends(const ServiceState& state) {
  Samples ended("helixd_queue_ended_total", "Accepted requests, by how they ended.", Type::Counter);
  for (const PipelineState& pipeline : state.pipelines) {
    const QueueStats& queue = pipeline.queue;
    const auto add = [&](const char* end, std::uint64_t n) {
      Labels labels = label(pipeline);
      labels.push_back({"end", end});
      ended.add(number(n), std::move(labels));
    };
    add("completed", queue.completed);
    add("cancelled", queue.cancelled);
    add("expired", queue.expired);
    add("failed", queue.failed);
  }
  return ended.family();
}

}  // namespace

Families service_metrics(const ServiceState& state) {
  Samples ready("helixd_ready", "1: requests are taken; 0: starting, draining, or no device is left.");
  Families families{ready.add(state.ready ? 1 : 0).family()};
  for (const OfPipeline& metric : kMetrics) {
    Samples samples(metric.name, metric.help, metric.type);
    for (const PipelineState& pipeline : state.pipelines) samples.add(metric.value(pipeline), label(pipeline));
    families.push_back(samples.family());
  }
  families.push_back(ends(state));
  return families;
}

}  // namespace helix::server
