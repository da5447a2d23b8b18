#include "kernels/patatrack/slope.h"

#include <catch2/catch.hpp>

#include <random>

namespace helix::patatrack {
namespace {

TEST_CASE("A set of slopes around a slope holds all within its half width, and not all others") {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> slope(-12.f, 12.f), width(0.f, 1.2f), part(-1.f, 1.f);
  int far = 0, taken_far = 0;
  for (int k = 0; k < 20'000; ++k) {
    const float cot = slope(random), half = width(random), near = cot + half * part(random), other = slope(random);
    const std::uint64_t set = SlopeSet::around(cot, half).bits;
    REQUIRE((set & SlopeSet::of(near).bits) != 0);
    // intervals 3.2 apart share a bit: look at one turn only
    if (std::fabs(other - cot) < half + 0.1f || std::fabs(other - cot) > 3.1f - half) continue;
    ++far;
    taken_far += (set & SlopeSet::of(other).bits) != 0;
  }
  CHECK(far > 1000);
  CHECK(taken_far == 0);
}

TEST_CASE("A set of slopes wider than its turn, or of no width that is a number, holds all") {
  CHECK(SlopeSet::around(0.3f, 2.f).bits == ~std::uint64_t{0});
  CHECK(SlopeSet::around(0.3f, INFINITY).bits == ~std::uint64_t{0});
  CHECK(SlopeSet::around(0.3f, NAN).bits == ~std::uint64_t{0});
}

}  // namespace
}  // namespace helix::patatrack
