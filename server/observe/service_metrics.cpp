#include "server/observe/service_metrics.h"

#include "server/observe/buckets.h"
#include "server/observe/samples.h"

namespace helix::server {
namespace {

using Families = std::vector<prometheus::MetricFamily>;
using Type = prometheus::MetricType;

double number(std::uint64_t n) { return static_cast<double>(n); }

/// A metric with one value a pipeline in service.
struct OfPipeline {
  const char* name;
  const char* help;
  double (*value)(const PipelineState&);
};

constexpr OfPipeline kGauges[] = {
    {"helixd_queue_requests", "Requests that wait for a lane.",
     [](const PipelineState& s) { return number(s.queue.requests); }},
    {"helixd_queue_hits", "Hits of the requests that wait.", [](const PipelineState& s) { return s.queue.hits; }},
    {"helixd_queue_bytes", "Memory of the requests that wait.",
     [](const PipelineState& s) { return number(s.queue.bytes); }},
    {"helixd_queue_oldest_age_seconds", "How long the oldest of them has waited.",
     [](const PipelineState& s) { return seconds(s.queue.oldest); }},
    {"helixd_queue_backlog_seconds", "Until what waits and runs will be done, by the cost model.",
     [](const PipelineState& s) { return seconds(s.queue.backlog); }},
    {"helixd_queue_clients", "Clients whose share of the lanes is remembered.",
     [](const PipelineState& s) { return number(s.queue.clients); }},
    {"helixd_admitted_requests", "Requests that wait or run.",
     [](const PipelineState& s) { return static_cast<double>(s.admitted_requests); }},
    {"helixd_admitted_bytes", "Memory of the requests that wait or run.",
     [](const PipelineState& s) { return number(s.admitted_bytes); }},
    {"helixd_lanes_in_service", "Lanes whose device is not lost.",
     [](const PipelineState& s) { return number(s.lanes_in_service); }},
    {"helixd_cost_batch_seconds", "The cost model's fixed part of a batch.",
     [](const PipelineState& s) { return s.queue.fixed_ms / 1000; }},
    {"helixd_cost_event_seconds", "The cost model's part of one event of 10,000 hits.",
     [](const PipelineState& s) { return s.queue.ms_of_10k_hits / 1000; }},
    {"helixd_cost_bound_seconds", "What a batch may cost; +Inf: no bound.",
     [](const PipelineState& s) { return s.queue.cost_bound_ms / 1000; }},
};

/// A number that goes on over reloads.
struct Total {
  const char* name;
  const char* help;
  std::uint64_t QueueTotals::*value;
};

constexpr Total kTotals[] = {
    {"helixd_queue_accepted_total", "Requests that were let into the queue.", &QueueTotals::accepted},
    {"helixd_queue_late_total", "Requests whose deadline could not be met: refused, not queued.", &QueueTotals::late},
    {"helixd_queue_retries_total", "Requests that waited again after their lane was lost.", &QueueTotals::retries},
};

struct End {
  const char* name;
  std::uint64_t QueueTotals::*value;
};

/// Accepted = all of these, once nothing waits or runs.
constexpr End kEnds[] = {{"completed", &QueueTotals::completed},
                         {"cancelled", &QueueTotals::cancelled},
                         {"expired", &QueueTotals::expired},
                         {"failed", &QueueTotals::failed}};

prometheus::MetricFamily total(const Total& metric, const ServiceState& state) {
  Samples samples(metric.name, metric.help, Type::Counter);
  for (const auto& [pipeline, totals] : state.totals)
    samples.add(number(totals.*metric.value), {{"pipeline", pipeline}});
  return samples.family();
}

prometheus::MetricFamily ends(const ServiceState& state) {
  Samples ended("helixd_queue_ended_total", "Accepted requests, by how they ended.", Type::Counter);
  for (const auto& [pipeline, totals] : state.totals)
    for (const auto& [end, value] : kEnds) ended.add(number(totals.*value), {{"pipeline", pipeline}, {"end", end}});
  return ended.family();
}

}  // namespace

QueueTotals& QueueTotals::operator+=(const QueueStats& queue) {
  accepted += queue.accepted;
  completed += queue.completed, cancelled += queue.cancelled;
  expired += queue.expired, failed += queue.failed;
  late += queue.rejected_late;
  retries += queue.retries;
  return *this;
}

Families service_metrics(const ServiceState& state) {
  Samples ready("helixd_ready", "1: requests are taken; 0: starting, draining, or no device is left.");
  Families families{ready.add(state.ready ? 1 : 0).family()};
  for (const OfPipeline& metric : kGauges) {
    Samples samples(metric.name, metric.help);
    for (const PipelineState& pipeline : state.pipelines)
      samples.add(metric.value(pipeline), {{"pipeline", pipeline.pipeline}});
    families.push_back(samples.family());
  }
  for (const Total& metric : kTotals) families.push_back(total(metric, state));
  families.push_back(ends(state));
  return families;
}

}  // namespace helix::server
