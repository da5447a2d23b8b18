#include "server/observe/service_metrics.h"

#include "server/observe/samples.h"

namespace helix::server {

std::vector<prometheus::MetricFamily> service_metrics(const ServiceState& state) {
  Samples ready("helixd_ready", "1: requests are taken; 0: starting, draining, or no device is left.");
  Samples requests("helixd_queue_requests", "Requests that wait for a lane.");
  Samples hits("helixd_queue_hits", "Hits of the requests that wait.");
  Samples bytes("helixd_queue_bytes", "Memory of the requests that wait.");
  Samples age("helixd_queue_oldest_age_seconds", "How long the oldest of them has waited.");
  Samples admitted("helixd_admitted_requests", "Requests that wait or run.");
  Samples admitted_bytes("helixd_admitted_bytes", "Memory of the requests that wait or run.");
  Samples lanes("helixd_lanes_in_service", "Lanes whose device is not lost.");
  ready.add(state.ready ? 1 : 0);
  for (const PipelineState& pipeline : state.pipelines) {
    const std::vector<prometheus::ClientMetric::Label> label{{"pipeline", pipeline.pipeline}};
    requests.add(static_cast<double>(pipeline.waiting_requests), label);
    hits.add(static_cast<double>(pipeline.waiting_hits), label);
    bytes.add(static_cast<double>(pipeline.waiting_bytes), label);
    age.add(std::chrono::duration<double>(pipeline.oldest_age).count(), label);
    admitted.add(pipeline.admitted_requests, label);
    admitted_bytes.add(static_cast<double>(pipeline.admitted_bytes), label);
    lanes.add(static_cast<double>(pipeline.lanes_in_service), label);
  }
  return {ready.family(), requests.family(), hits.family(),           bytes.family(),
          age.family(),   admitted.family(), admitted_bytes.family(), lanes.family()};
}

}  // namespace helix::server
