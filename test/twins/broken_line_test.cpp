// The twin of the fit: lines and parabolas that it must return, and its covariance by numeric derivatives.
#include "test/twins/broken_line.h"

#include <catch2/catch.hpp>

#include <cmath>

namespace helix::twins {
namespace {

Points points_of(bool bends) {
  Points points;
  points.bends = bends;
  points.at = {0, 23, 29, 68, 109, 160};
  points.offset = {0, 0, 0.02, -0.01, 0.03, 0.01};
  points.offset_weight = {0, 0, 1e4, 1e4, 2e4, 1e4};
  points.kink = {0, 0, 0, 0, 0, 0};
  points.kink_weight = {0, 1e7, 2e6, 3e6, 2e6, 0};
  return points;
}

TEST_CASE("twins: points on a line and on a parabola are fitted exactly") {
  for (const bool bends : {false, true}) {
    Points points = points_of(bends);
    const double bend = bends ? 1e-3 : 0;
    for (std::size_t i = 0; i < points.at.size(); ++i)
      points.offset[i] = 0.5 - 0.01 * points.at[i] + bend / 2 * points.at[i] * points.at[i];
    const PlaneFit fit = fit_points(points);
    CHECK(fit.value[0] == Approx(0.5));
    CHECK(fit.value[1] == Approx(-0.01));
    CHECK(fit.value[2] == Approx(bend));
    CHECK(fit.chi2 == Approx(0).margin(1e-9));
  }
}

TEST_CASE("twins: without scattering it is the textbook's straight line") {
  Points points = points_of(false);
  for (double& weight : points.kink_weight) weight *= 1e8;
  double s = 0, sx = 0, sxx = 0, sy = 0, sxy = 0;
  for (std::size_t i = 0; i < points.at.size(); ++i) {
    const double w = points.offset_weight[i], x = points.at[i], y = points.offset[i];
    s += w, sx += w * x, sxx += w * x * x, sy += w * y, sxy += w * x * y;
  }
  const double determinant = s * sxx - sx * sx;
  const PlaneFit fit = fit_points(points);
  CHECK(fit.value[0] == Approx((sxx * sy - sx * sxy) / determinant).epsilon(1e-4));
  CHECK(fit.value[1] == Approx((s * sxy - sx * sy) / determinant).epsilon(1e-4));
  CHECK(fit.covariance[0][0] == Approx(sxx / determinant).epsilon(1e-4));
  CHECK(fit.covariance[1][1] == Approx(s / determinant).epsilon(1e-4));
}

TEST_CASE("twins: the covariance is that of numeric derivatives by all that is measured") {
  const bool bends = GENERATE(false, true);
  const Points points = points_of(bends);
  const PlaneFit fit = fit_points(points);
  double covariance[3][3] = {};
  const auto vary = [&](std::vector<double> Points::*column, std::size_t i, double weight) {
    if (weight <= 0) return;
    const double step = 0.1 / std::sqrt(weight);
    Points up = points, down = points;
    (up.*column)[i] += step;
    (down.*column)[i] -= step;
    const PlaneFit high = fit_points(up), low = fit_points(down);
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 3; ++b)
        covariance[a][b] +=
            (high.value[a] - low.value[a]) * (high.value[b] - low.value[b]) / (4 * step * step * weight);
  };
  for (std::size_t i = 0; i < points.at.size(); ++i) {
    vary(&Points::offset, i, points.offset_weight[i]);
    vary(&Points::kink, i, points.kink_weight[i]);
  }
  for (std::size_t a = 0; a < (bends ? 3u : 2u); ++a)
    for (std::size_t b = 0; b < (bends ? 3u : 2u); ++b)
      CHECK(fit.covariance[a][b] == Approx(covariance[a][b]).epsilon(1e-5));
}

}  // namespace
}  // namespace helix::twins
