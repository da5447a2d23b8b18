#include "clients/bench/saturation.h"

#include <algorithm>

namespace helix::bench {
namespace {

constexpr double kGrowth = 1.03, kSlow = 1.3;

}  // namespace

LoadPoint point_of(const LoadResult& result, int clients, double rate) {
  LoadPoint point{clients, rate};
  point.rate = static_cast<double>(result.ok) / result.seconds;
  point.p50 = milliseconds(result.latency().quantile(0.5));
  point.p99 = milliseconds(result.latency().quantile(0.99));
  for (const auto& [code, of_code] : result.codes)
    if (code != grpc::StatusCode::OK) point.failed += of_code.count;
  return point;
}

Saturation find_saturation(const RunPoint& run, int most_clients) {
  Saturation found;
  for (int clients = 1, idle_steps = 0; clients <= most_clients && idle_steps < 2; clients *= 2) {
    const LoadPoint point = run(clients, 0);
    idle_steps = point.rate > kGrowth * found.rate ? 0 : idle_steps + 1;
    found.rate = std::max(found.rate, point.rate);
    found.closed.push_back(point);
    const double idle = found.closed.front().p50;  // 0: nothing was answered
    if (!found.slow_clients && idle > 0 && point.p50 > kSlow * idle) found.slow_clients = clients;
  }
  if (found.rate <= 0) return found;
  found.half = run(0, found.rate / 2);
  if (const double idle = found.closed.front().p50; idle > 0) found.half_p50_over_idle = found.half.p50 / idle;
  return found;
}

}  // namespace helix::bench
