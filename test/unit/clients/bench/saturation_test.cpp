#include "clients/bench/saturation.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace helix::bench;

namespace {
/// A server of `most` requests a second and 10 ms a request.
LoadPoint ideal(double most, int clients, double rate) {
  LoadPoint point{clients, rate};
  point.rate = rate > 0 ? rate : std::min(most, 100.0 * clients);
  point.p50 = rate > 0 ? 11 : std::max(10.0, 1000.0 * clients / most);
  return point;
}
}  // namespace

TEST_CASE("saturation is where more clients bring no more") {
  const Saturation found = find_saturation([](int clients, double rate) { return ideal(800, clients, rate); }, 1024);
  std::vector<int> clients;
  for (const LoadPoint& point : found.closed) clients.push_back(point.clients);
  CHECK(clients == std::vector<int>{1, 2, 4, 8, 16, 32});
  CHECK(found.rate == 800);
  CHECK(found.slow_clients == 16);
  CHECK(found.half.asked == 400);
  REQUIRE(found.half_p50_over_idle);
  CHECK(*found.half_p50_over_idle == Approx(1.1));
}

TEST_CASE("the search ends at the most clients, and without an answer") {
  const Saturation bounded = find_saturation([](int clients, double rate) { return ideal(1e9, clients, rate); }, 5);
  CHECK(bounded.closed.size() == 3);
  CHECK_FALSE(bounded.slow_clients);
  const Saturation none = find_saturation([](int clients, double rate) { return LoadPoint{clients, rate}; }, 1024);
  CHECK(none.rate == 0);
  CHECK(none.closed.size() == 2);
  CHECK(none.half.asked == 0);
  CHECK_FALSE(none.half_p50_over_idle);
}
