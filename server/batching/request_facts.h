#pragma once

#include "kernels/core/ragged.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace helix::server {

using Clock = std::chrono::steady_clock;

/// What computing takes, as the cost model sees it. Adds up over the requests of a batch.
struct Work {
  double events = 0, hits = 0;
  double pairs = 0;  // sum over events of hits squared: what pairs of hits cost

  static Work of(double events, double hits_each) {
    return {events, events * hits_each, events * hits_each * hits_each};
  }
  Work& operator+=(const Work& more) {
    events += more.events, hits += more.hits, pairs += more.pairs;
    return *this;
  }
  Work& operator-=(const Work& less) {
    events -= less.events, hits -= less.hits, pairs -= less.pairs;
    return *this;
  }
  friend Work operator+(Work a, const Work& b) { return a += b; }
};

/// Classes of requests; those of a class go before the next one's.
inline constexpr int kInteractive = 0, kNormal = 1, kBulk = 2, kPriorities = 3;
inline constexpr const char* kPriorityNames[kPriorities] = {"interactive", "normal", "bulk"};

/// All that the policy knows of a request.
struct RequestFacts {
  Work work{};
  std::size_t bytes = 0;      // held in memory while it waits
  std::uint32_t columns = 0;  // which optional columns it brings, a bit each: a batch holds requests of one kind
  int priority = kNormal;
  std::string client{};  // whose share it is counted on
  Clock::time_point arrived{};
  Clock::time_point deadline = Clock::time_point::max();
};

/// Milliseconds, for people and for the cost model.
inline double in_ms(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }
inline Clock::duration from_ms(double ms) {
  constexpr double longest = 1e12;  // 30 years: no overflow
  return std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double, std::milli>(ms < longest ? ms : longest));
}

}  // namespace helix::server
