#pragma once

#include "clients/bench/load_run.h"

#include <functional>
#include <optional>
#include <vector>

namespace helix::bench {

/// One load and what came of it; rates in requests a second, times in ms.
struct LoadPoint {
  int clients = 0;   // of a closed loop
  double asked = 0;  // rate of an open loop, else 0
  double rate = 0, p50 = 0, p99 = 0;
  std::int64_t failed = 0;
};

struct Saturation {
  std::vector<LoadPoint> closed;             // 1, 2, 4, ... clients
  double rate = 0;                           // the most that was answered; 0: nothing was, and there is no `half`
  std::optional<int> slow_clients;           // the first whose p50 is over 1.3 of one client's
  LoadPoint half;                            // open loop at half of the saturation rate
  std::optional<double> half_p50_over_idle;  // where one client was answered
};

/// Runs a load with so many clients, or at a rate where it is not 0.
using RunPoint = std::function<LoadPoint(int clients, double rate)>;

LoadPoint point_of(const LoadResult& result, int clients, double rate);

/// Doubles the clients until neither of two doublings in a row brought 3 % more, or to `most_clients`.
Saturation find_saturation(const RunPoint& run, int most_clients);

}  // namespace helix::bench
