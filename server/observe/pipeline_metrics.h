#pragma once

#include "server/observe/buckets.h"
#include "server/observe/request_metrics.h"
#include "server/observe/trace.h"

#include <prometheus/gauge.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace helix::server {

/// Counts the requests and the batches of one pipeline for Prometheus, and puts its batches into the trace.
class PipelineMetrics final : public RequestMetrics {
 public:
  PipelineMetrics(prometheus::Registry& registry, Trace& trace, const std::string& pipeline);

  /// The lanes in service, one a device: there before their first batch, and those before them gone.
  void set_lanes(const std::vector<std::string>& devices);

  void batch(const BatchRecord& record) noexcept override;

 private:
  struct Lane {
    std::string device;
    prometheus::Gauge *info, *memory;
  };
  prometheus::Histogram& histogram(const char* name, const char* help, const Buckets& buckets);
  void observe_sizes_and_times(const BatchRecord& record);
  prometheus::Labels labels_of(int lane) const;
  Lane make_lane(int number, const std::string& device);
  prometheus::Counter& busy_of(int lane);
  void set_memory(const BatchRecord& record);
  prometheus::Counter& batches_of(Code code);
  void add_stages(Span<const StageTime> stages);

  Trace& trace_;
  const std::string pipeline_;
  prometheus::Registry& registry_;
  prometheus::Histogram &events_, &hits_, &gather_, &copy_in_, &compute_, &copy_out_;
  prometheus::Family<prometheus::Counter>&batch_family_, &stage_family_, &busy_family_;
  prometheus::Family<prometheus::Gauge>&memory_family_, &lane_family_;
  prometheus::Counter& splits_;
  std::mutex mutex_;                          // guards all below
  std::vector<Lane> lanes_;                   // in service
  std::map<int, prometheus::Counter*> busy_;  // of all that ever were
  std::map<Code, prometheus::Counter*> batches_;
  std::map<std::string, prometheus::Counter*, std::less<>> stages_;
};

}  // namespace helix::server
