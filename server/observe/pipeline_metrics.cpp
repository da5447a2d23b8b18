#include "server/observe/pipeline_metrics.h"

#include "server/observe/log.h"
#include "server/transport/grpc_status.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace helix::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Registry;

Family<Counter>& counters(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& gauges(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

}  // namespace

PipelineMetrics::PipelineMetrics(Registry& registry, Trace& trace, const std::string& pipeline)
    : RequestMetrics(registry, pipeline),
      trace_(trace),
      pipeline_(pipeline),
      registry_(registry),
      events_(histogram("helixd_batch_events", "Events of a batch.", event_buckets())),
      hits_(histogram("helixd_batch_hits", "Hits of a batch.", hit_buckets())),
      gather_(histogram("helixd_batch_gather_seconds", "Putting the requests of a batch end to end.", time_buckets())),
      copy_in_(histogram("helixd_batch_copy_in_seconds", "Copying a batch to its device.", time_buckets())),
      compute_(histogram("helixd_batch_compute_seconds", "All stages of a batch.", time_buckets())),
      copy_out_(histogram("helixd_batch_copy_out_seconds", "Copying answers from the device.", time_buckets())),
      batch_family_(counters(registry, "helixd_batches_total", "Batches that ended, by code.")),
      stage_family_(counters(registry, "helixd_stage_seconds_total", "Time in a stage; CPU threads added up.")),
      busy_family_(counters(registry, "helixd_lane_busy_seconds_total",
                            "Time with a batch; its rate is the fraction of the time that the lane is busy.")),
      memory_family_(gauges(registry, "helixd_lane_memory_bytes", "Memory that the lane's arenas hold.")),
      lane_family_(gauges(registry, "helixd_lane_info", "1; the device of each lane.")),
      splits_(counters(registry, "helixd_batch_splits_total", "Batches of several requests that failed as one.")
                  .Add({{"pipeline", pipeline_}})) {
  batches_of(Code::ok);
}

void PipelineMetrics::set_lanes(const std::vector<std::string>& devices) {
  const std::scoped_lock lock(mutex_);
  const std::vector<Lane> before = std::exchange(lanes_, {});
  for (const std::string& device : devices) lanes_.push_back(make_lane(static_cast<int>(lanes_.size()), device));
  // a lane with labels that were there already has their series
  const auto is_used = [this](const prometheus::Gauge* series) {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [&](const Lane& lane) { return lane.info == series || lane.memory == series; });
  };
  for (const Lane& lane : before) {
    if (!is_used(lane.info)) lane_family_.Remove(lane.info);
    if (!is_used(lane.memory)) memory_family_.Remove(lane.memory);
  }
}

prometheus::Labels PipelineMetrics::labels_of(int lane) const {
  return {{"pipeline", pipeline_}, {"lane", std::to_string(lane)}};
}

PipelineMetrics::Lane PipelineMetrics::make_lane(int number, const std::string& device) {
  busy_of(number);
  prometheus::Labels with_device = labels_of(number);
  with_device.emplace("device", device);
  Lane lane{device, &lane_family_.Add(with_device), &memory_family_.Add(labels_of(number))};
  lane.info->Set(1);
  lane.memory->Set(0);
  return lane;
}

prometheus::Histogram& PipelineMetrics::histogram(const char* name, const char* help, const Buckets& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add({{"pipeline", pipeline_}}, buckets);
}

void PipelineMetrics::batch(const BatchRecord& record) noexcept {
  try {
    trace_.add(pipeline_, record);
    if (record.code != Code::ok && record.requests > 1) splits_.Increment();
    if (record.code == Code::ok) observe_sizes_and_times(record);
    const std::scoped_lock lock(mutex_);
    batches_of(record.code).Increment();
    busy_of(record.lane).Increment(seconds(record.done - record.taken));
    set_memory(record);
    add_stages(record.stages);
  } catch (const std::exception& error) {
    log::write_limited(log::Level::error, "observe.failed", {{"error", error.what()}});
  }
}

void PipelineMetrics::observe_sizes_and_times(const BatchRecord& record) {
  events_.Observe(record.events);
  hits_.Observe(record.hits);
  gather_.Observe(seconds(record.gathered - record.taken));
  copy_in_.Observe(seconds(record.copy_in));
  compute_.Observe(seconds(record.compute));
  copy_out_.Observe(seconds(record.copy_out));
}

Counter& PipelineMetrics::busy_of(int lane) {
  const auto [at, is_new] = busy_.try_emplace(lane, nullptr);
  if (is_new) at->second = &busy_family_.Add(labels_of(lane));
  return *at->second;
}

/// Not of a lane that a reload replaced, and that ends its last batch.
void PipelineMetrics::set_memory(const BatchRecord& record) {
  const auto number = static_cast<std::size_t>(record.lane);
  if (number >= lanes_.size() || lanes_[number].device != record.device) return;
  lanes_[number].memory->Set(static_cast<double>(record.memory));
}

Counter& PipelineMetrics::batches_of(Code code) {
  const auto [at, is_new] = batches_.try_emplace(code, nullptr);
  if (is_new) at->second = &batch_family_.Add({{"pipeline", pipeline_}, {"code", grpc_code_name(code)}});
  return *at->second;
}

void PipelineMetrics::add_stages(Span<const StageTime> stages) {
  for (const auto& [stage, time] : stages) {
    auto at = stages_.find(stage);
    if (at == stages_.end())
      at = stages_.emplace(stage, &stage_family_.Add({{"pipeline", pipeline_}, {"stage", stage}})).first;
    at->second->Increment(seconds(time));
  }
}

}  // namespace helix::server
