#include "kernels/core/lane_math.h"

#include <catch2/catch.hpp>

#include <cmath>

namespace helix {
namespace {

TEST_CASE("lane math: logarithm and inverse sinh are the library's to 2e-7 and two last places") {
  for (float x = 1e-30f; x < 1e30f; x *= 1.0371f) {
    CAPTURE(x);
    CHECK(logarithm(lanes_of(x))[0] == Approx(std::log(double{x})).epsilon(2.4e-7).margin(1e-7));
    if (x > 1e17f) continue;
    CHECK(inverse_sinh(lanes_of(x))[3] == Approx(std::asinh(double{x})).epsilon(2.4e-7).margin(2e-7));
    CHECK(inverse_sinh(lanes_of(-x))[7] == -inverse_sinh(lanes_of(x))[0]);
  }
  CHECK(logarithm(lanes_of(1.f))[0] == 0.f);
  CHECK(inverse_sinh(lanes_of(0.f))[0] == 0.f);
}

TEST_CASE("lane math: the exponential is the library's to two last places, and bounded") {
  for (float x = -87.f; x < 87.f; x += 0.0137f) {
    CAPTURE(x);
    CHECK(exponential(lanes_of(x))[6] == Approx(std::exp(double{x})).epsilon(2.4e-7).margin(0));
  }
  CHECK(exponential(lanes_of(0.f))[0] == 1.f);
  CHECK(exponential(lanes_of(1000.f))[0] == exponential(lanes_of(87.f))[0]);
  CHECK(exponential(lanes_of(-1000.f))[0] == exponential(lanes_of(-87.f))[0]);
}

TEST_CASE("lane math: angles in all quadrants") {
  for (double phi = -3.14; phi < 3.1416; phi += 0.0137) {
    const auto x = static_cast<float>(3 * std::cos(phi)), y = static_cast<float>(3 * std::sin(phi));
    CHECK(angle_of(lanes_of(y), lanes_of(x))[5] == Approx(std::atan2(double{y}, double{x})).margin(4e-7));
  }
  CHECK(angle_of(lanes_of(0.f), lanes_of(0.f))[0] == 0.f);
}

}  // namespace
}  // namespace helix
