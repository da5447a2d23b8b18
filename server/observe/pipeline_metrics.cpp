#include "server/observe/pipeline_metrics.h"

#include "server/observe/log.h"
#include "server/transport/grpc_status.h"

#include <exception>

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

PipelineMetrics::PipelineMetrics(Registry& registry, Trace& trace, const std::string& pipeline,
                                 const std::vector<std::string>& devices)
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
  for (std::size_t lane = 0; lane < devices.size(); ++lane) lane_of(static_cast<int>(lane), devices[lane]);
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
    const Lane& lane = lane_of(record.lane, record.device);
    lane.busy->Increment(seconds(record.done - record.taken));
    lane.memory->Set(static_cast<double>(record.memory));
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

PipelineMetrics::Lane& PipelineMetrics::lane_of(int number, std::string_view device) {
  if (const auto found = lanes_.find(number); found != lanes_.end()) return found->second;
  const prometheus::Labels labels{{"pipeline", pipeline_}, {"lane", std::to_string(number)}};
  prometheus::Labels with_device = labels;
  with_device.emplace("device", device);
  lane_family_.Add(with_device).Set(1);
  return lanes_.emplace(number, Lane{&busy_family_.Add(labels), &memory_family_.Add(labels)}).first->second;
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
