#include "kernels/geometry/module_finder.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <random>

namespace helix {
namespace {

using Point = std::array<double, 3>;

struct Line {
  Point at, along;
  Point operator()(double t) const { return {at[0] + t * along[0], at[1] + t * along[1], at[2] + t * along[2]}; }
};

const Detector& detector(const std::string& name) {
  static const Result<Detector> phase1 = load_detector(HELIX_SOURCE_DIR "/config/geometry/phase1");
  static const Result<Detector> generic = load_detector(HELIX_SOURCE_DIR "/test/data/geometry/generic-pixel");
  const Result<Detector>& d = name == "phase1" ? phase1 : generic;
  REQUIRE(d.status().message() == "");
  return *d;
}

/// Where a line crosses the active area of a module.
bool crosses(const Line& line, const Module& m) {
  double distance = 0, rate = 0;
  for (int i = 0; i < 3; ++i) {
    distance += m.w[i] * (double{m.center[i]} - line.at[i]);
    rate += m.w[i] * line.along[i];
  }
  const double t = distance / rate;
  if (!(t > 0)) return false;
  const Point p = line(t);
  double u = 0, v = 0;
  for (int i = 0; i < 3; ++i) {
    u += m.u[i] * (p[i] - m.center[i]);
    v += m.v[i] * (p[i] - m.center[i]);
  }
  return std::abs(u) <= m.half_u && std::abs(v) <= m.half_v;
}

/// Where a line first crosses a layer's nominal surface, on its outward way.
std::optional<Point> meet(const Line& line, const Layer& layer) {
  if (layer.kind == LayerKind::disc) {
    const double t = (layer.position - line.at[2]) / line.along[2];
    return t > 0 ? std::optional(line(t)) : std::nullopt;
  }
  const double a = line.along[0] * line.along[0] + line.along[1] * line.along[1];
  const double b = line.at[0] * line.along[0] + line.at[1] * line.along[1];
  const double c = line.at[0] * line.at[0] + line.at[1] * line.at[1] - double{layer.position} * layer.position;
  return line((-b + std::sqrt(b * b - a * c)) / a);
}

/// The finder's modules for a point on the layer's surface; the coordinate is clamped as callers do.
Span<const std::int32_t> lookup(const Detector& d, const Layer& layer, const Point& p) {
  const double coordinate = layer.kind == LayerKind::barrel ? p[2] : std::hypot(p[0], p[1]);
  const double turn = (std::atan2(p[1], p[0]) + std::numbers::pi) / (2 * std::numbers::pi);
  const double along = (coordinate - layer.coordinate_min) / (double{layer.coordinate_max} - layer.coordinate_min);
  const int i = std::min(static_cast<int>(turn * kGridPhi), kGridPhi - 1);
  const int j = std::clamp(static_cast<int>(std::floor(along * kGridCoordinate)), 0, kGridCoordinate - 1);
  const DetectorView view = d.view();
  const Index cell = layer.grid_first + i * kGridCoordinate + j;
  return view.grid_modules.subspan(view.grid.begin(cell), view.grid.size(cell));
}

/// A line from the luminous region, a few mm beside the beam line at most.
Line random_line(std::mt19937& random) {
  std::uniform_real_distribution<double> unit(-1, 1);
  const double phi = std::numbers::pi * unit(random), dxy = 2 * unit(random), eta = 3 * unit(random);
  return {{-dxy * std::sin(phi), dxy * std::cos(phi), 150 * unit(random)},
          {std::cos(phi), std::sin(phi), std::sinh(eta)}};
}

TEST_CASE("module finder: holds every module that a line crosses, and not many more") {
  const std::string name = GENERATE("phase1", "generic-pixel");
  const Detector& d = detector(name);
  const unsigned seed = 20250117;
  CAPTURE(name, seed);
  std::mt19937 random(seed);
  int crossings = 0, listed = 0, missing = 0;
  for (int n = 0; n < 3000; ++n) {
    const Line line = random_line(random);
    for (std::size_t m = 0; m < d.modules.size(); ++m) {
      if (!crosses(line, d.modules[m])) continue;
      const Layer& layer = d.layers[d.modules[m].layer];
      const std::optional<Point> p = meet(line, layer);
      REQUIRE(p);
      const Span<const std::int32_t> found = lookup(d, layer, *p);
      missing += std::find(found.begin(), found.end(), static_cast<std::int32_t>(m)) == found.end();
      listed += static_cast<int>(found.size());
      ++crossings;
    }
  }
  CHECK(crossings > 9000);
  CHECK(missing == 0);
  CHECK(listed < 4 * crossings);
}

TEST_CASE("module finder: rows are ascending and name modules of their layer") {
  const std::string name = GENERATE("phase1", "generic-pixel");
  const Detector& d = detector(name);
  const DetectorView view = d.view();
  std::vector<bool> seen(d.modules.size());
  bool ascending = true, right_layer = true;
  for (std::size_t l = 0; l < d.layers.size(); ++l)
    for (Index c = 0; c < kGridPhi * kGridCoordinate; ++c) {
      const Index cell = d.layers[l].grid_first + c;
      for (Index i = view.grid.begin(cell); i < view.grid.end(cell); ++i) {
        ascending &= i == view.grid.begin(cell) || view.grid_modules[i - 1] < view.grid_modules[i];
        right_layer &= d.modules[view.grid_modules[i]].layer == static_cast<std::int32_t>(l);
        seen[view.grid_modules[i]] = true;
      }
    }
  CHECK(ascending);
  CHECK(right_layer);
  CHECK(std::count(seen.begin(), seen.end(), false) == 0);
}

}  // namespace
}  // namespace helix
