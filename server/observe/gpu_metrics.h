#pragma once

#include <prometheus/metric_family.h>

#include <memory>
#include <vector>

namespace helix::server {

/// Memory and utilisation of the GPUs that NVIDIA's driver shows, through its library NVML where that is installed;
/// no metrics where it is not. Nothing of it is needed for building.
class GpuMetrics {
 public:
  explicit GpuMetrics(const char* library = "libnvidia-ml.so.1");
  ~GpuMetrics();
  std::vector<prometheus::MetricFamily> collect() const;

 private:
  class Nvml;
  const std::unique_ptr<const Nvml> nvml_;  // null: not there
};

}  // namespace helix::server
