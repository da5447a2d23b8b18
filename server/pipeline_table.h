#pragma once

#include "server/lanes/engines.h"
#include "server/observe/observation.h"
#include "server/pipeline.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace helix::server {

/// Pipelines made from one set of settings, by name. Fixed once made.
class PipelineTable {
 public:
  /// `in_all`: what may wait and run in all pipelines together.
  explicit PipelineTable(AdmissionBudget in_all) : in_all_(std::move(in_all)) {}
  Admission& in_all() { return in_all_; }
  void add(std::unique_ptr<Pipeline> pipeline) { pipelines_.push_back(std::move(pipeline)); }
  const std::vector<std::unique_ptr<Pipeline>>& all() const { return pipelines_; }
  /// By its name, or the part before '/', which means the first of that kind.
  /// errors: not_found, which lists those there are
  Result<Pipeline*> find(const std::string& name) const;
  /// All names that find knows, and whether a device is left to each.
  std::map<std::string, bool> serving() const;
  /// The device of each lane, by pipeline.
  LaneDevices devices() const;
  /// Whether any pipeline that reconstructs has a device left: echo, which does no work, is not asked.
  bool any_serves() const;

  /// Waits until all warm-ups have ended. How the first that failed did, or ok; none: one has not ended by the
  /// deadline.
  std::optional<Status> wait_warm(Clock::time_point deadline) const;
  /// Refuses what waits and lets the lanes end after what they are at; whether all did by the deadline.
  bool stop(const Status& reason, Clock::time_point deadline) const;

 private:
  Admission in_all_;
  std::vector<std::unique_ptr<Pipeline>> pipelines_;
};

/// patatrack, exatrkx/NAME of each model, and echo. Their lanes begin to warm up. `observation` outlives them.
/// `all_lost` is called, from a lane's thread, when the last device of a pipeline is gone. errors: those of the engines
/// and models
Result<std::unique_ptr<PipelineTable>> make_pipelines(const Options& options, std::shared_ptr<const Detector> detector,
                                                      const EngineFactory& make_engines, Observation& observation,
                                                      const std::function<void()>& all_lost);

}  // namespace helix::server
