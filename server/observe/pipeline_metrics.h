#pragma once

#include "server/observe/observer.h"
#include "server/observe/trace.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace helix::server {

/// What all pipelines share: the families of metrics, by name.
struct MetricFamilies {
  explicit MetricFamilies(prometheus::Registry& registry);

  using Counters = prometheus::Family<prometheus::Counter>&;
  using Gauges = prometheus::Family<prometheus::Gauge>&;
  using Histograms = prometheus::Family<prometheus::Histogram>&;
  Counters requests, rejected;
  Histograms request_seconds, queue_seconds;
  Counters batches, splits;
  Histograms batch_events, batch_hits, gather_seconds, copy_in_seconds, compute_seconds, copy_out_seconds;
  Counters stage_seconds, lane_busy_seconds;
  Gauges lane_memory, lane_facts;
};

/// The numbers of one pipeline for Prometheus; batches go into the trace as well. Metrics are found by name once, so
/// that a record costs a few short locks that a scrape holds no longer than it takes to copy one histogram.
class PipelineMetrics final : public Observer {
 public:
  /// `devices`: one a lane, so that each lane is there before its first batch.
  PipelineMetrics(MetricFamilies& families, Trace& trace, std::string pipeline,
                  const std::vector<std::string>& devices);

  void batch(const BatchRecord& record) noexcept override;
  void request(const RequestRecord& record) noexcept override;

 private:
  struct Class {  // of clients
    std::map<Code, prometheus::Counter*> by_code;
    prometheus::Histogram* seconds;
  };
  struct Lane {
    prometheus::Counter* busy;
    prometheus::Gauge* memory;
  };
  Class& class_of(std::string_view name);
  Lane& lane_of(int number, std::string_view device);
  prometheus::Counter& batches_of(Code code);
  void add_stages(Span<const StageTime> stages);

  MetricFamilies& families_;
  Trace& trace_;
  const std::string pipeline_;
  prometheus::Counter &rejected_, &splits_;
  prometheus::Histogram &queue_, &events_, &hits_, &gather_, &copy_in_, &compute_, &copy_out_;

  std::mutex request_mutex_;  // guards classes_
  std::map<std::string, Class, std::less<>> classes_;
  std::mutex batch_mutex_;  // guards all below
  std::map<int, Lane> lanes_;
  std::map<Code, prometheus::Counter*> batches_;
  std::map<std::string, prometheus::Counter*, std::less<>> stages_;
};

}  // namespace helix::server
