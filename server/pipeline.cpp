#include "server/pipeline.h"

#include "server/batching/client_weights.h"
#include "server/lanes/faults.h"
#include "server/observe/log.h"

#include <algorithm>

namespace helix::server {
namespace {

constexpr std::chrono::milliseconds kLongestRetry{60000};

std::vector<std::unique_ptr<Engine>> all_with_faults(std::vector<std::unique_ptr<Engine>> engines,
                                                     const FaultOptions& faults) {
  if (any_fault(faults)) log::warn("faults.on", {{"reason", "settings of [faults]: requests will fail"}});
  for (auto& engine : engines) engine = with_faults(std::move(engine), faults);
  return engines;
}

BatcherOptions for_lanes(BatcherOptions options, const std::vector<std::unique_ptr<Engine>>& engines) {
  options.limits.side_by_side = engines.front()->events_side_by_side();
  return options;
}

}  // namespace

Result<PipelineOptions> pipeline_options(const Options& options) {
  Result<ClientWeights> weights = parse_client_weights(options.queue.client_weights);
  if (!weights.ok()) return weights.status();
  const BatchOptions& batch = options.batch;
  PipelineOptions out;
  out.admission = {options.queue.max_requests, static_cast<std::size_t>(options.queue.max_bytes)};
  out.batcher.room = {*std::move(weights), options.queue.ageing};
  out.batcher.limits = {.max_events = static_cast<double>(batch.max_events),
                        .max_hits = static_cast<double>(batch.max_hits),
                        .max_bytes = static_cast<double>(batch.max_bytes),
                        .max_cost = batch.max_cost,
                        .overhead = batch.overhead,
                        .max_queue_delay = batch.max_queue_delay,
                        .preferred_events = static_cast<double>(batch.preferred_events),
                        .target_p99 = batch.target_p99};
  out.watchdog = options.server.watchdog;
  out.faults = options.faults;
  return out;
}

AdmissionBudget budget_in_all(const Options& options) {
  return {options.queue.max_requests_in_all, static_cast<std::size_t>(options.queue.max_bytes_in_all), "_in_all"};
}

Pipeline::Pipeline(PipelineFacts facts, std::shared_ptr<const Detector> detector, PipelineOptions options,
                   Admission* in_all, std::vector<std::unique_ptr<Engine>> engines, std::function<void()> all_lost,
                   Observer& observer)
    : facts_(std::move(facts)),
      detector_(std::move(detector)),
      observer_(observer),
      admission_(std::move(options.admission), in_all),
      queue_(for_lanes(std::move(options.batcher), engines), static_cast<int>(engines.size())),
      lanes_(all_with_faults(std::move(engines), options.faults), queue_, options.watchdog, std::move(all_lost),
             observer) {}

Status Pipeline::has_room(const Applicant& applicant) {
  if (admission_.has_room(applicant).ok()) return {};
  queue_.drop_expired();
  Status status = admission_.has_room(applicant);
  if (!status.ok()) queue_.count_rejected();
  return status;
}

Result<Ticket> Pipeline::admit(const Applicant& applicant, std::function<void()> when_room) {
  Result<Ticket> ticket = admission_.admit(applicant);
  if (ticket.ok()) return ticket;
  queue_.drop_expired();
  const bool waits_for_room = static_cast<bool>(when_room);
  ticket = admission_.admit(applicant, std::move(when_room));
  if (!ticket.ok() && !waits_for_room) queue_.count_rejected();
  return ticket;
}

std::chrono::milliseconds Pipeline::retry_after() const {
  const auto backlog = std::chrono::ceil<std::chrono::milliseconds>(queue_.backlog());
  return std::max(facts_.retry_after, std::min(backlog, kLongestRetry));
}

bool Pipeline::stop(const Status& reason, Clock::time_point deadline) {
  queue_.refuse_waiting(reason);
  return lanes_.wait_ended(deadline);
}

}  // namespace helix::server
