#include "clients/validation/statistics.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <random>

using namespace helix::validation;

TEST_CASE("percentile interpolates linearly between neighbours", "[validation]") {
  const std::vector<double> values{1, 2, 4, 8};
  CHECK(percentile(values, 0) == 1);
  CHECK(percentile(values, 50) == 3);
  CHECK(percentile(values, 100) == 8);
  CHECK(percentile(values, 25) == 1.75);
  CHECK(percentile({7}, 84.15) == 7);
}

TEST_CASE("core width of a Gaussian is its sigma, whatever the tails", "[validation]") {
  std::mt19937 random(5);
  std::normal_distribution<double> gauss(3, 0.5);
  std::vector<double> values;
  for (int i = 0; i < 20000; ++i) values.push_back(gauss(random));
  for (int i = 0; i < 400; ++i) values.push_back(100.0 + i);
  values.push_back(std::numeric_limits<double>::quiet_NaN());
  REQUIRE(core_width(values));
  CHECK(*core_width(values) == Approx(0.5).epsilon(0.03));
  const auto d = describe(values);
  REQUIRE(d);
  CHECK(d->n == 20400);
  CHECK(d->median == Approx(3).epsilon(0.01));
  CHECK(d->tail_beyond_5_sigma68 == Approx(400.0 / 20400).epsilon(0.01));
}

TEST_CASE("few, equal and no values", "[validation]") {
  CHECK_FALSE(describe({}));
  CHECK_FALSE(describe({std::numeric_limits<double>::infinity()}));
  CHECK_FALSE(core_width(std::vector<double>(9, 1.0)));
  CHECK(core_width(std::vector<double>(10, 1.0)) == 0.0);
}

TEST_CASE("bins hold their lower edge, the last one its upper edge too", "[validation]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Binned b = bin({-0.1, 0, 0.5, 1, 2, 2.1, nan}, {1, 1, 0, 0, 1, 1, 1}, {0, 1, 2});
  CHECK(b.total == std::vector<std::int64_t>{2, 2});
  CHECK(b.passed == std::vector<std::int64_t>{1, 1});
  CHECK(b.rate(0) == 0.5);
  CHECK_FALSE(bin({}, {}, {0, 1}).rate(0));
}
