#pragma once

#include "kernels/core/settings.h"
#include "kernels/engine.h"
#include "kernels/event/hits.h"
#include "kernels/event/validate.h"
#include "kernels/geometry/detector.h"
#include "server/batching/admission.h"
#include "server/batching/request_queue.h"
#include "server/config/options.h"
#include "server/lanes/lane_set.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace helix::server {

/// One setting of a stage, for DescribePipeline.
struct Parameter {
  std::string stage;
  Setting setting;
};

/// What a pipeline is, fixed when it starts.
struct PipelineFacts {
  std::string name;
  std::string settings_digest;
  std::vector<Parameter> parameters;
  HitLimits limits;
  BeamSpot beam_spot;                   // where the request brings none
  std::vector<OptionalColumn> columns;  // of hits, that it looks at
  std::string columns_needed_by;        // who cannot do without them, for people; empty: they may be missing
  std::chrono::milliseconds retry_after{};
  std::size_t max_message_bytes = 0, memory_budget = 0;
};

/// How a pipeline queues, batches and runs.
struct PipelineOptions {
  AdmissionBudget admission;
  BatcherOptions batcher;
  Clock::duration watchdog{};
  FaultOptions faults;
};

/// errors: invalid_argument (queue.client_weights)
Result<PipelineOptions> pipeline_options(const Options& options);

/// The budget of all pipelines together.
AdmissionBudget budget_in_all(const Options& options);

/// A pipeline in service: what it is, its queue and its lanes.
class Pipeline {
 public:
  /// `in_all`: the budget that this pipeline shares with others; null: none.
  Pipeline(PipelineFacts facts, std::shared_ptr<const Detector> detector, PipelineOptions options, Admission* in_all,
           std::vector<std::unique_ptr<Engine>> engines, std::function<void()> all_lost,
           Observer& observer = no_observer());

  const PipelineFacts& facts() const { return facts_; }
  const Detector& detector() const { return *detector_; }
  Admission& admission() { return admission_; }
  RequestQueue& queue() { return queue_; }
  const LaneSet& lanes() const { return lanes_; }
  Observer& observer() { return observer_; }

  /// Whether there is a place in the budget now. Where it is full, requests whose deadline has passed make room.
  /// errors: resource_exhausted, see Admission
  Status has_room(const Applicant& applicant);
  /// That place. errors: as has_room
  Result<Ticket> admit(const Applicant& applicant, std::function<void()> when_room = {});

  /// When a client that found the budget full should try again: when what is here now will be done, as far as is known.
  std::chrono::milliseconds retry_after() const;

  /// The queue and its counters at this moment.
  QueueStats stats() const { return queue_.stats(); }

  /// Refuses what waits and lets the lanes end after what they are at; whether they did by the deadline.
  bool stop(const Status& reason, Clock::time_point deadline);

 private:
  const PipelineFacts facts_;
  const std::shared_ptr<const Detector> detector_;
  Observer& observer_;
  Admission admission_;
  RequestQueue queue_;
  LaneSet lanes_;
};

}  // namespace helix::server
