#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace helix::server {

/// A metric whose values are read at the time of a scrape.
class Samples {
 public:
  Samples(const char* name, const char* help, prometheus::MetricType type = prometheus::MetricType::Gauge) {
    family_.name = name;
    family_.help = help;
    family_.type = type;
  }

  Samples& add(double value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
    prometheus::ClientMetric& metric = family_.metric.emplace_back();
    metric.label = std::move(labels);
    metric.gauge.value = metric.counter.value = value;
    return *this;
  }

  prometheus::MetricFamily family() const { return family_; }

 private:
  prometheus::MetricFamily family_;
};

}  // namespace helix::server
