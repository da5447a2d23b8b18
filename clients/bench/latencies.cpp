#include "clients/bench/latencies.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace helix::bench {
namespace {

// Below 512 ns a bucket a nanosecond; above, 256 buckets for each power of two.
constexpr int kBits = 9;
constexpr std::int64_t kFine = std::int64_t{1} << kBits;
constexpr std::int64_t kHalf = kFine / 2;

std::int64_t bucket_of(std::int64_t ns) {
  if (ns < kFine) return ns;
  const int shift = std::bit_width(static_cast<std::uint64_t>(ns)) - kBits;
  return kFine + (shift - 1) * kHalf + (ns >> shift) - kHalf;
}

std::int64_t upper_end(std::int64_t bucket) {
  if (bucket < kFine) return bucket;
  const std::int64_t shift = (bucket - kFine) / kHalf + 1, top = (bucket - kFine) % kHalf + kHalf;
  return (top << shift) + ((std::int64_t{1} << shift) - 1);
}

}  // namespace

void Latencies::add(Time latency) {
  const std::int64_t ns = std::max<std::int64_t>(latency.count(), 0);
  ++count_;
  sum_ += static_cast<double>(ns);
  max_ = std::max(max_, Time(ns));
  if (buckets_.empty() && exact_.size() < most_exact_) return exact_.push_back(ns);
  if (buckets_.empty()) {
    for (const std::int64_t kept : exact_) count_in_bucket(kept);
    exact_ = {};
  }
  count_in_bucket(ns);
}

void Latencies::count_in_bucket(std::int64_t ns) {
  const auto bucket = static_cast<std::size_t>(bucket_of(ns));
  if (buckets_.size() <= bucket) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
}

Latencies::Time Latencies::mean() const {
  return Time(count_ > 0 ? std::llround(sum_ / static_cast<double>(count_)) : 0);
}

Latencies::Time Latencies::quantile(double q) const {
  if (count_ == 0) return Time(0);
  const auto wanted = static_cast<std::int64_t>(std::ceil(q * static_cast<double>(count_)));
  const std::int64_t rank = std::clamp<std::int64_t>(wanted, 1, count_);
  if (buckets_.empty()) {
    std::vector<std::int64_t> sorted = exact_;
    const auto at = sorted.begin() + (rank - 1);
    std::nth_element(sorted.begin(), at, sorted.end());
    return Time(*at);
  }
  std::int64_t seen = 0, bucket = 0;
  while ((seen += buckets_[static_cast<std::size_t>(bucket)]) < rank) ++bucket;
  return std::min(Time(upper_end(bucket)), max_);
}

}  // namespace helix::bench
