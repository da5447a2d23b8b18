#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace helix::bench {

inline double milliseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) * 1e-6; }

/// Latencies, all of them kept until there are very many; from then on counted in buckets 0.4 % wide, so that memory is
/// bounded.
class Latencies {
 public:
  using Time = std::chrono::nanoseconds;
  static constexpr std::size_t kMostExact = std::size_t{1} << 22;

  explicit Latencies(std::size_t most_exact = kMostExact) : most_exact_(most_exact) {}

  void add(Time latency);  // negative counts as 0

  std::int64_t count() const { return count_; }
  Time max() const { return max_; }
  /// 0 of none, as are the quantiles
  Time mean() const;
  /// The least latency that a part `q` of all do not exceed (nearest rank); a bucket's upper end where they are
  /// counted.
  Time quantile(double q) const;

 private:
  void count_in_bucket(std::int64_t ns);

  std::size_t most_exact_;
  std::vector<std::int64_t> exact_;    // ns, unless there are buckets
  std::vector<std::int64_t> buckets_;  // counts
  std::int64_t count_ = 0;
  double sum_ = 0;  // ns
  Time max_{0};
};

}  // namespace helix::bench
