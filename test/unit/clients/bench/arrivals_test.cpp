#include "clients/bench/arrivals.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

using namespace helix::bench;

namespace {
std::vector<double> gaps(double rate, std::uint64_t seed, int n) {
  Arrivals arrivals(rate, seed);
  std::vector<double> out;
  for (std::int64_t before = 0; n > 0; --n) {
    const std::int64_t now = arrivals.next().count();
    out.push_back(static_cast<double>(now - before) * 1e-9);
    before = now;
  }
  return out;
}
}  // namespace

TEST_CASE("arrivals have the rate and the spread of a Poisson process") {
  constexpr int n = 100000;
  const std::vector<double> between = gaps(250, 1, n);
  double sum = 0, squares = 0;
  int longer = 0;
  for (const double gap : between) {
    REQUIRE(gap >= 0);
    sum += gap, squares += gap * gap;
    longer += gap > 3.0 / 250 ? 1 : 0;
  }
  const double mean = sum / n, deviation = std::sqrt(squares / n - mean * mean);
  CHECK(mean == Approx(1.0 / 250).epsilon(0.02));
  CHECK(deviation == Approx(mean).epsilon(0.02));
  CHECK(longer == Approx(n * std::exp(-3)).epsilon(0.05));
}

TEST_CASE("arrivals are the same for a seed, and others for another") {
  CHECK(gaps(10, 3, 100) == gaps(10, 3, 100));
  CHECK(gaps(10, 3, 100) != gaps(10, 4, 100));
}
