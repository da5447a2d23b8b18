#pragma once

#include "server/observe/observer.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <map>
#include <string>

namespace helix::server {

/// Counts the requests of one pipeline for Prometheus. Metrics are found by name once, so that a record costs two short
/// locks of histograms, which a scrape holds no longer than it takes to copy one.
class RequestMetrics : public Observer {
 public:
  RequestMetrics(prometheus::Registry& registry, const std::string& pipeline);

  void request(const RequestRecord& record) noexcept override;

 private:
  struct Class {
    std::map<Code, prometheus::Counter*> by_code;
    prometheus::Histogram* seconds = nullptr;
  };

  prometheus::Counter& rejected_;
  prometheus::Histogram& queue_;
  std::array<Class, kPriorities> classes_;
};

}  // namespace helix::server
