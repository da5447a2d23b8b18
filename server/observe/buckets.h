#pragma once

#include <prometheus/histogram.h>

#include <chrono>

namespace helix::server {

using Buckets = prometheus::Histogram::BucketBoundaries;

/// Upper bounds, in seconds: three a decade from 10 us to 50 s.
const Buckets& time_buckets();
/// Powers of two up to 1024.
const Buckets& event_buckets();
/// Three a decade from 100 to 5 million.
const Buckets& hit_buckets();

inline double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace helix::server
