#include "clients/validation/truth.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>
#include <random>

using namespace helix::validation;

namespace {

Particles one(const std::array<double, 3>& at, const std::array<double, 3>& momentum, double q) {
  return {{1}, {at[0]}, {at[1]}, {at[2]}, {momentum[0]}, {momentum[1]}, {momentum[2]}, {q}, {}};
}

}  // namespace

TEST_CASE("true parameters are those of a fine walk along the helix", "[validation]") {
  const double field = 3.8;
  const std::array<double, 3> beam{0.3, -0.2, 1};
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  for (int round = 0; round < 10; ++round) {
    const std::array<double, 3> x{5 * normal(random), 5 * normal(random), 5 * normal(random)};
    const std::array<double, 3> p{2 * normal(random), 2 * normal(random), 2 * normal(random)};
    const double q = round % 2 ? 1 : -1, pt = std::hypot(p[0], p[1]), psi = std::atan2(p[1], p[0]);
    if (pt < 0.3) continue;
    const double kappa = -q * 0.299792458e-3 * field / pt;
    double best = 1e9, best_s = 0, best_x = 0, best_y = 0;
    for (double s = -60; s < 60; s += 1e-3) {
      const double hx = x[0] + (std::sin(psi + kappa * s) - std::sin(psi)) / kappa - beam[0];
      const double hy = x[1] - (std::cos(psi + kappa * s) - std::cos(psi)) / kappa - beam[1];
      if (hx * hx + hy * hy < best) best = hx * hx + hy * hy, best_s = s, best_x = hx, best_y = hy;
    }
    const double phi = psi + kappa * best_s;
    const TrueParameters t = true_parameters(one(x, p, q), field, beam);
    CHECK(t.dxy[0] == Approx(-best_x * std::sin(phi) + best_y * std::cos(phi)).margin(1e-3));
    CHECK(wrap_angle(t.phi[0] - phi) == Approx(0).margin(1e-4));
    CHECK(t.dz[0] == Approx(x[2] + best_s * p[2] / pt - beam[2]).margin(5e-3));
    CHECK(t.cot_theta[0] == Approx(p[2] / pt));
    CHECK(t.eta[0] == Approx(std::asinh(p[2] / pt)));
  }
}

TEST_CASE("a track along +x at y > 0 has dxy > 0 and phi 0", "[validation]") {
  const TrueParameters t = true_parameters(one({0, 2, 0}, {1000, 0, 0}, 1), 3.8, {});
  CHECK(t.dxy[0] == Approx(2).epsilon(1e-6));
  CHECK(t.phi[0] == Approx(0).margin(1e-5));
}

TEST_CASE("angles are wrapped into -pi to pi", "[validation]") {
  const double pi = std::numbers::pi;
  CHECK(wrap_angle(0.5) == Approx(0.5));
  CHECK(wrap_angle(3 * pi + 0.1) == Approx(0.1 - pi));
  CHECK(wrap_angle(-pi - 0.1) == Approx(pi - 0.1));
  CHECK(wrap_angle(pi) == -pi);
}
