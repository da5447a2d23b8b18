#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace helix::server {

/// This process as the kernel sees it (/proc/self), under the names that all Prometheus clients use, and
/// helixd_build_info. What cannot be read is left out.
std::vector<prometheus::MetricFamily> process_metrics();

}  // namespace helix::server
