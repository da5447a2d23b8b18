#include "clients/bench/service_fit.h"

#include <catch2/catch.hpp>

using helix::bench::ServiceFit;

TEST_CASE("a fit finds fixed cost and cost of hits") {
  ServiceFit fit;
  CHECK_FALSE(fit.cost());
  for (const double hits : {3000.0, 15000.0, 36000.0}) fit.add(hits, 5 + 0.2 * hits / 1000);
  REQUIRE(fit.cost());
  CHECK(fit.cost()->fixed_ms == Approx(5));
  CHECK(fit.cost()->per_kilohit_ms == Approx(0.2));
  CHECK(fit.batches() == 3);
}

TEST_CASE("a batch that comes as four answers counts as one") {
  ServiceFit whole, parts;
  whole.add(1000, 2);
  whole.add(9000, 3);
  whole.add(9000, 5);
  parts.add(1000, 2);
  for (int i = 0; i < 4; ++i) parts.add(9000, 3, 0.25);
  parts.add(9000, 5);
  CHECK(parts.cost()->fixed_ms == Approx(whole.cost()->fixed_ms));
  CHECK(parts.cost()->per_kilohit_ms == Approx(whole.cost()->per_kilohit_ms));
}

TEST_CASE("batches of about one size: all is cost of hits") {
  ServiceFit fit;
  fit.add(10000, 5);
  fit.add(10010, 4);
  fit.add(9990, 6);
  CHECK(fit.cost()->fixed_ms == Approx(0).margin(1e-9));
  CHECK(fit.cost()->per_kilohit_ms == Approx(0.5));
}

TEST_CASE("no cost is negative") {
  ServiceFit falling, steep;
  falling.add(1000, 3);
  falling.add(2000, 1);
  CHECK(falling.cost()->per_kilohit_ms == 0);
  CHECK(falling.cost()->fixed_ms == Approx(2));
  steep.add(1000, 0);
  steep.add(2000, 3);
  CHECK(steep.cost()->fixed_ms == Approx(0).margin(1e-9));
  CHECK(steep.cost()->per_kilohit_ms == Approx(1));
}

TEST_CASE("batches without hits have a fixed cost only") {
  ServiceFit fit;
  fit.add(0, 2);
  CHECK(fit.cost()->fixed_ms == Approx(2));
  CHECK(fit.cost()->per_kilohit_ms == 0);
}
