#include "test/twins/connections.h"

#include "kernels/core/units.h"

#include <cmath>

namespace helix::twins {
namespace {

constexpr double kTolerance = 1e-3;

struct Slope {
  double cot, variance;
};

/// Variance of z where the layer is crossed at fixed r.
double var_z(const Layer& layer, double cot) {
  return layer.kind == LayerKind::barrel ? layer.var_v : layer.var_v * cot * cot;
}

Slope slope_of(const Hit& a, const Hit& b, const Detector& detector) {
  const double dr = b.r - a.r, cot = (b.z - a.z) / dr;
  const double var = var_z(detector.layers[static_cast<std::size_t>(a.layer)], cot) +
                     var_z(detector.layers[static_cast<std::size_t>(b.layer)], cot);
  return {cot, var / (dr * dr)};
}

Verdict connected(const Hit& a, const Hit& b, const Hit& c, const Detector& detector, const patatrack::Config& config) {
  const auto& cuts = config.connect;
  const double bending = double{kGevPerTeslaMm} * detector.field;
  const Slope in = slope_of(a, b, detector), out = slope_of(b, c, detector);
  const SchoolCircle circle = circle_through(a.x, a.y, b.x, b.y, c.x, c.y);
  const double inverse_pt2 = std::pow(1 / circle.radius / bending, 2) + std::pow(cuts.least_inverse_pt, 2);
  const double theta2 = 0.0136 * 0.0136 * detector.layers[static_cast<std::size_t>(b.layer)].x0;
  const double scatter = theta2 * std::pow(1 + in.cot * in.cot, 1.5) * inverse_pt2;
  // the middle hit moves both slopes against each other: twice the variances
  const double width = cuts.n_sigma * std::sqrt(2 * (in.variance + out.variance) + scatter);
  const double largest = cuts.curvature_margin * bending / config.doublets.min_pt;
  // distance from the beam line, for a stiff track |centre| - radius
  const double distance =
      std::fabs(circle.x * circle.x + circle.y * circle.y - circle.radius * circle.radius) / (2 * circle.radius);
  const double reach = cuts.max_dxy + cuts.n_sigma * a.r * std::sqrt(3 * theta2 * inverse_pt2);
  Slack slack;
  slack.cut(width - std::fabs(out.cot - in.cot), width);
  slack.cut(largest - 1 / circle.radius, largest);
  slack.cut(reach - distance, reach);
  return slack.verdict(kTolerance);
}

}  // namespace

SchoolCircle circle_through(double x1, double y1, double x2, double y2, double x3, double y3) {
  // the centre is as far from the first point as from the other two: two linear equations
  const double ax = x2 - x1, ay = y2 - y1, bx = x3 - x1, by = y3 - y1;
  const double a = (ax * ax + ay * ay) / 2, b = (bx * bx + by * by) / 2, determinant = ax * by - ay * bx;
  const double ux = (a * by - b * ay) / determinant, uy = (b * ax - a * bx) / determinant;
  return {x1 + ux, y1 + uy, std::hypot(ux, uy), determinant > 0 ? 1 : -1};
}

std::map<Triplet, Verdict> all_connections(const std::vector<Hit>& hits, const std::vector<Pair>& doublets,
                                           const Detector& detector, const patatrack::Config& config) {
  std::multimap<Index, Index> from;
  for (const Pair& pair : doublets) from.insert(pair);
  std::map<Triplet, Verdict> found;
  for (const auto& [inner, middle] : doublets) {
    const auto [first, last] = from.equal_range(middle);
    for (auto it = first; it != last; ++it) {
      const auto hit = [&](Index i) -> const Hit& { return hits[static_cast<std::size_t>(i)]; };
      const Verdict verdict = connected(hit(inner), hit(middle), hit(it->second), detector, config);
      if (verdict != Verdict::no) found[{inner, middle, it->second}] = verdict;
    }
  }
  return found;
}

}  // namespace helix::twins
