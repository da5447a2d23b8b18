#include "kernels/exatrkx/helix_fit.h"

#include "kernels/core/units.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>
#include <vector>

namespace helix::exatrkx {
namespace {

struct Points {
  std::vector<double> x, y, z;
  mutable std::vector<double> arc = {};
  TrackPoints view() const {
    arc.resize(x.size());
    return {x, y, z, arc};
  }
};

/// Points along a helix; curvature > 0 turns left.
Points points_of(double phi, double dxy, double curvature, double cot, double dz) {
  Points p;
  for (double s = 30; s < 500; s += 45) {
    const double turn = curvature * s, along = std::fabs(turn) < 1e-9 ? s : std::sin(turn) / curvature;
    const double left = std::fabs(turn) < 1e-9 ? 0 : (1 - std::cos(turn)) / curvature;
    p.x.push_back(-dxy * std::sin(phi) + along * std::cos(phi) - left * std::sin(phi));
    p.y.push_back(dxy * std::cos(phi) + along * std::sin(phi) + left * std::cos(phi));
    p.z.push_back(dz + cot * s);
  }
  return p;
}

TEST_CASE("helix fit: exact helices give their parameters") {
  const double field = GENERATE(2.0, -2.0);
  for (const double phi : {-3.0, -1.0, 0.2, 2.5})
    for (const double dxy : {-2.0, 0.0, 0.7})
      for (const double curvature : {-1e-3, -2e-5, 3e-6, 8e-4}) {
        CAPTURE(phi, dxy, curvature);
        const Points p = points_of(phi, dxy, curvature, -1.3, 40);
        const HelixFit fit = fit_helix(p.view(), field);
        CHECK(std::remainder(fit.phi - phi, 2 * M_PI) == Approx(0).margin(1e-6));
        CHECK(fit.dxy == Approx(dxy).margin(1e-4));
        CHECK(fit.q_over_pt == Approx(-curvature / (double{kGevPerTeslaMm} * field)).margin(1e-5));
        CHECK(fit.cot_theta == Approx(-1.3).margin(1e-6));
        CHECK(fit.dz == Approx(40).margin(1e-4));
        CHECK(fit.chi2 < 1e-4);
        CHECK(fit.ndof == 2 * static_cast<int>(p.x.size()) - 5);
      }
}

TEST_CASE("helix fit: errors are those of repeated fits of smeared hits") {
  const Points exact = points_of(0.4, 0.3, 4e-4, 0.8, -20);
  std::mt19937 random(5);
  std::normal_distribution<double> smear(0, 0.3);
  double sums[5] = {}, squares[5] = {}, claimed[5] = {};
  constexpr int kFits = 4000;
  for (int k = 0; k < kFits; ++k) {
    Points p = exact;
    for (std::size_t i = 0; i < p.x.size(); ++i)
      p.x[i] += smear(random), p.y[i] += smear(random), p.z[i] += smear(random);
    const HelixFit fit = fit_helix(p.view(), 2);
    const double values[5] = {fit.phi, fit.dxy, fit.q_over_pt, fit.cot_theta, fit.dz};
    for (int i = 0; i < 5; ++i) {
      sums[i] += values[i] / kFits;
      squares[i] += values[i] * values[i] / kFits;
      claimed[i] += fit.covariance[static_cast<std::size_t>(covariance_row(i, i))] / kFits;
    }
  }
  for (int i = 0; i < 5; ++i) {
    CAPTURE(i);
    const double seen = squares[i] - sums[i] * sums[i];
    CHECK(std::sqrt(seen / claimed[i]) == Approx(1).margin(i < 3 ? 0.12 : 0.25));
  }
}

TEST_CASE("helix fit: too few points, or all at one place, have no fit") {
  const Points two{{1, 2}, {0, 0}, {0, 1}}, one_place{{5, 5, 5, 5}, {5, 5, 5, 5}, {1, 1, 1, 1}};
  for (const Points* p : {&two, &one_place}) {
    const HelixFit fit = fit_helix(p->view(), 2);
    CHECK(fit.ndof == -1);
    CHECK(fit.q_over_pt == 0);
  }
}

}  // namespace
}  // namespace helix::exatrkx
