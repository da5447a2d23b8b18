#include "server/observe/pipeline_metrics.h"

#include "server/observe/log.h"
#include "server/transport/grpc_status.h"

#include <exception>

namespace helix::server {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Histogram;

/// More classes of clients than this are counted as one: labels must not grow with who calls.
constexpr std::size_t kMostClasses = 16;
constexpr const char* kOtherClasses = "other";
constexpr Code kCodes[] = {
    Code::ok,        Code::invalid_argument, Code::not_found, Code::resource_exhausted, Code::deadline_exceeded,
    Code::cancelled, Code::unavailable,      Code::internal};

/// 1, 2.5 and 5 times each power of ten from `first` up to `last`.
Histogram::BucketBoundaries decades(double first, double last) {
  Histogram::BucketBoundaries bounds;
  for (double decade = first; decade <= last; decade *= 10)
    for (const double step : {1., 2.5, 5.})
      if (decade * step <= last) bounds.push_back(decade * step);
  return bounds;
}

const Histogram::BucketBoundaries& seconds_buckets() {
  static const Histogram::BucketBoundaries bounds{1e-5,   2.5e-5, 5e-5, 1e-4,  2.5e-4, 5e-4, 1e-3,
                                                  2.5e-3, 5e-3,   0.01, 0.025, 0.05,   0.1,  0.25,
                                                  0.5,    1,      2.5,  5,     10,     25,   60};
  return bounds;
}

const Histogram::BucketBoundaries& event_buckets() {
  static const Histogram::BucketBoundaries bounds{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
  return bounds;
}

const Histogram::BucketBoundaries& hit_buckets() {
  static const Histogram::BucketBoundaries bounds = decades(100, 1e7);
  return bounds;
}

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

MetricFamilies::Counters counter(prometheus::Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}
MetricFamilies::Gauges gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry);
}
MetricFamilies::Histograms histogram(prometheus::Registry& registry, const char* name, const char* help) {
  return BuildHistogram().Name(name).Help(help).Register(registry);
}

}  // namespace

MetricFamilies::MetricFamilies(prometheus::Registry& r)
    : requests(counter(r, "helixd_requests_total", "Requests that ended, by gRPC code.")),
      rejected(counter(r, "helixd_requests_rejected_total", "Requests refused because the server was full.")),
      request_seconds(histogram(r, "helixd_request_seconds", "Answered requests: from first byte to answer.")),
      queue_seconds(histogram(r, "helixd_request_queue_seconds", "Answered requests: waiting for a lane.")),
      batches(counter(r, "helixd_batches_total", "Batches that ended, by code.")),
      splits(counter(r, "helixd_batch_splits_total", "Batches of several requests that failed and were taken apart.")),
      batch_events(histogram(r, "helixd_batch_events", "Events of a batch.")),
      batch_hits(histogram(r, "helixd_batch_hits", "Hits of a batch.")),
      gather_seconds(histogram(r, "helixd_batch_gather_seconds", "Putting the requests of a batch end to end.")),
      copy_in_seconds(histogram(r, "helixd_batch_copy_in_seconds", "Copying a batch to its device.")),
      compute_seconds(histogram(r, "helixd_batch_compute_seconds", "All stages of a batch.")),
      copy_out_seconds(histogram(r, "helixd_batch_copy_out_seconds", "Copying the answers from the device.")),
      stage_seconds(counter(r, "helixd_stage_seconds_total", "Time in a stage; threads of the CPU added up.")),
      lane_busy_seconds(counter(r, "helixd_lane_busy_seconds_total",
                                "Time of a lane with a batch; its rate is the "
                                "fraction that the lane is busy.")),
      lane_memory(gauge(r, "helixd_lane_memory_bytes", "Memory that a lane's arenas hold since its last batch.")),
      lane_facts(gauge(r, "helixd_lane_info", "1; the device of each lane.")) {}

PipelineMetrics::PipelineMetrics(MetricFamilies& families, Trace& trace, std::string pipeline,
                                 const std::vector<std::string>& devices)
    : families_(families),
      trace_(trace),
      pipeline_(std::move(pipeline)),
      rejected_(families.rejected.Add({{"pipeline", pipeline_}})),
      splits_(families.splits.Add({{"pipeline", pipeline_}})),
      queue_(families.queue_seconds.Add({{"pipeline", pipeline_}}, seconds_buckets())),
      events_(families.batch_events.Add({{"pipeline", pipeline_}}, event_buckets())),
      hits_(families.batch_hits.Add({{"pipeline", pipeline_}}, hit_buckets())),
      gather_(families.gather_seconds.Add({{"pipeline", pipeline_}}, seconds_buckets())),
      copy_in_(families.copy_in_seconds.Add({{"pipeline", pipeline_}}, seconds_buckets())),
      compute_(families.compute_seconds.Add({{"pipeline", pipeline_}}, seconds_buckets())),
      copy_out_(families.copy_out_seconds.Add({{"pipeline", pipeline_}}, seconds_buckets())) {
  class_of(RequestRecord().client_class);
  batches_of(Code::ok);
  for (std::size_t lane = 0; lane < devices.size(); ++lane) lane_of(static_cast<int>(lane), devices[lane]);
}

void PipelineMetrics::batch(const BatchRecord& record) noexcept {
  try {
    trace_.add(pipeline_, record);
    if (record.code != Code::ok && record.requests > 1) splits_.Increment();
    if (record.code == Code::ok) {
      events_.Observe(record.events);
      hits_.Observe(record.hits);
      gather_.Observe(seconds(record.gathered - record.taken));
      copy_in_.Observe(seconds(record.copy_in));
      compute_.Observe(seconds(record.compute));
      copy_out_.Observe(seconds(record.copy_out));
    }
    const std::scoped_lock lock(batch_mutex_);
    batches_of(record.code).Increment();
    const Lane& lane = lane_of(record.lane, record.device);
    lane.busy->Increment(seconds(record.done - record.taken));
    lane.memory->Set(static_cast<double>(record.memory));
    add_stages(record.stages);
  } catch (const std::exception& error) {
    log::write_limited(log::Level::error, "observe.failed", {{"error", error.what()}});
  }
}

void PipelineMetrics::request(const RequestRecord& record) noexcept {
  try {
    if (record.code == Code::resource_exhausted && !record.admitted) rejected_.Increment();
    if (record.code == Code::ok) queue_.Observe(seconds(record.queue));
    const std::scoped_lock lock(request_mutex_);
    const Class& its_class = class_of(record.client_class);
    its_class.by_code.at(record.code)->Increment();
    if (record.code == Code::ok) its_class.seconds->Observe(seconds(record.total));
  } catch (const std::exception& error) {
    log::write_limited(log::Level::error, "observe.failed", {{"error", error.what()}});
  }
}

PipelineMetrics::Class& PipelineMetrics::class_of(std::string_view name) {
  if (const auto found = classes_.find(name); found != classes_.end()) return found->second;
  if (classes_.size() >= kMostClasses && name != kOtherClasses) return class_of(kOtherClasses);
  const std::string known(name);
  Class made;
  for (const Code code : kCodes)
    made.by_code[code] =
        &families_.requests.Add({{"pipeline", pipeline_}, {"class", known}, {"code", grpc_code_name(code)}});
  made.seconds = &families_.request_seconds.Add({{"pipeline", pipeline_}, {"class", known}}, seconds_buckets());
  return classes_.emplace(known, std::move(made)).first->second;
}

PipelineMetrics::Lane& PipelineMetrics::lane_of(int number, std::string_view device) {
  if (const auto found = lanes_.find(number); found != lanes_.end()) return found->second;
  const prometheus::Labels labels{{"pipeline", pipeline_}, {"lane", std::to_string(number)}};
  prometheus::Labels facts = labels;
  facts.emplace("device", device);
  families_.lane_facts.Add(facts).Set(1);
  return lanes_.emplace(number, Lane{&families_.lane_busy_seconds.Add(labels), &families_.lane_memory.Add(labels)})
      .first->second;
}

prometheus::Counter& PipelineMetrics::batches_of(Code code) {
  const auto [at, is_new] = batches_.try_emplace(code, nullptr);
  if (is_new) at->second = &families_.batches.Add({{"pipeline", pipeline_}, {"code", grpc_code_name(code)}});
  return *at->second;
}

void PipelineMetrics::add_stages(Span<const StageTime> stages) {
  for (const StageTime& stage : stages) {
    auto at = stages_.find(stage.stage);
    if (at == stages_.end())
      at = stages_.emplace(stage.stage, &families_.stage_seconds.Add({{"pipeline", pipeline_}, {"stage", stage.stage}}))
               .first;
    at->second->Increment(seconds(stage.time));
  }
}

}  // namespace helix::server
