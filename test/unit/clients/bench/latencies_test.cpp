#include "clients/bench/latencies.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>

using namespace helix::bench;
using std::chrono::nanoseconds;

TEST_CASE("quantiles of a few latencies are those latencies") {
  Latencies latencies;
  CHECK(latencies.quantile(0.5).count() == 0);
  CHECK(latencies.mean().count() == 0);
  for (const int ns : {40, 10, 30, 20}) latencies.add(nanoseconds(ns));
  CHECK(latencies.count() == 4);
  CHECK(latencies.quantile(0).count() == 10);
  CHECK(latencies.quantile(0.25).count() == 10);
  CHECK(latencies.quantile(0.5).count() == 20);
  CHECK(latencies.quantile(0.51).count() == 30);
  CHECK(latencies.quantile(0.99).count() == 40);
  CHECK(latencies.quantile(1).count() == 40);
  CHECK(latencies.mean().count() == 25);
  CHECK(latencies.max().count() == 40);
}

TEST_CASE("latencies before zero count as zero") {
  Latencies latencies;
  latencies.add(nanoseconds(-5));
  CHECK(latencies.quantile(1).count() == 0);
  CHECK(latencies.max().count() == 0);
}

TEST_CASE("very many latencies are counted in buckets 0.4 % wide") {
  std::mt19937_64 random(7);
  std::vector<std::int64_t> all;
  Latencies exact, counted(100);
  for (int i = 0; i < 20000; ++i) {
    const auto ns = static_cast<std::int64_t>(std::exp(static_cast<double>(random() % 3000) / 100));  // 1 ns .. 3 h
    all.push_back(ns);
    exact.add(nanoseconds(ns));
    counted.add(nanoseconds(ns));
  }
  std::sort(all.begin(), all.end());
  CHECK(counted.count() == exact.count());
  CHECK(counted.mean() == exact.mean());
  CHECK(counted.max() == exact.max());
  for (const double q : {0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.9999, 1.0}) {
    INFO("quantile " << q);
    const std::int64_t right = all[static_cast<std::size_t>(std::max(std::ceil(q * 20000) - 1, 0.0))];
    CHECK(exact.quantile(q).count() == right);
    CHECK(counted.quantile(q).count() >= right);
    CHECK(static_cast<double>(counted.quantile(q).count()) <= static_cast<double>(right) * (1 + 1.0 / 256));
  }
}

TEST_CASE("the largest latency there can be has a bucket") {
  Latencies latencies(0);
  latencies.add(nanoseconds::max());
  latencies.add(nanoseconds(0));
  CHECK(latencies.quantile(0.5).count() == 0);
  CHECK(latencies.quantile(1) == nanoseconds::max());
}
