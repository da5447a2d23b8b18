#pragma once

#include "server/observe/observer.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <mutex>
#include <string>

namespace helix::server {

/// Counts the requests of one pipeline for Prometheus. Metrics are found by name once, so that a record costs two short
/// locks, which a scrape holds no longer than it takes to copy a histogram.
class RequestMetrics : public Observer {
 public:
  RequestMetrics(prometheus::Registry& registry, std::string pipeline);

  void request(const RequestRecord& record) noexcept override;

 private:
  struct Class {  // of clients
    std::map<Code, prometheus::Counter*> by_code;
    prometheus::Histogram* seconds;
  };
  Class& class_of(std::string_view name);

  const std::string pipeline_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& seconds_;
  prometheus::Counter& rejected_;
  prometheus::Histogram& queue_;
  std::mutex mutex_;  // guards classes_
  std::map<std::string, Class, std::less<>> classes_;
};

}  // namespace helix::server
