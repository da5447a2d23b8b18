#include "kernels/patatrack/slope.h"

#include <catch2/catch.hpp>

#include <random>

namespace helix::patatrack {
namespace {

TEST_CASE("A set of slopes around a slope holds all within its half width, and not all others") {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> slope(-12.f, 12.f), width(0.f, 0.7f), part(-1.f, 1.f);
  int far = 0, taken_far = 0;
  for (int k = 0; k < 20'000; ++k) {
    const float cot = slope(random), half = width(random), near = cot + half * part(random), other = slope(random);
    const SlopeSet set = SlopeSet::around(cot, half);
    REQUIRE(set.meets(SlopeSet::of(near)));
    // intervals 3.2 apart share a bit: look at one turn only
    if (std::fabs(other - cot) < half + 0.1f || std::fabs(other - cot) > 3.1f - half) continue;
    ++far;
    taken_far += set.meets(SlopeSet::of(other)) ? 1 : 0;
  }
  CHECK(far > 1000);
  CHECK(taken_far == 0);
}

TEST_CASE("A set of slopes wider than its turn, or of no width that is a number, holds all") {
  for (const float half : {2.f, 1e9f, INFINITY, NAN}) {
    const SlopeSet set = SlopeSet::around(0.3f, half);
    CHECK(set.even == ~std::uint32_t{0});
    CHECK(set.odd == ~std::uint32_t{0});
  }
}

}  // namespace
}  // namespace helix::patatrack
