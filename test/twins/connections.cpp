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

/// What three hits say of a particle.
struct Guess {
  SchoolCircle circle;
  double theta2;       // squared angle of scattering in the middle layer, at normal incidence, times GeV^2
  double inverse_pt2;  // 1/GeV^2, with what its error hides
  double dxy;          // mm, unsigned: for a stiff track |centre| - radius
};

Guess guess_of(const Hit& a, const Hit& b, const Hit& c, const Detector& detector, const patatrack::Config& config) {
  const SchoolCircle circle = circle_through(a.x, a.y, b.x, b.y, c.x, c.y);
  const double inverse_pt = 1 / circle.radius / (double{kGevPerTeslaMm} * detector.field);
  return {circle, 0.0136 * 0.0136 * detector.layers[static_cast<std::size_t>(b.layer)].x0,
          inverse_pt * inverse_pt + std::pow(config.connect.least_inverse_pt, 2),
          std::fabs(circle.x * circle.x + circle.y * circle.y - circle.radius * circle.radius) / (2 * circle.radius)};
}

/// What scattering adds to dxy of hits that begin at radius r.
double dxy_by_scattering(const Guess& guess, double r, const patatrack::Config& config) {
  return config.connect.n_sigma * r * std::sqrt(3 * guess.theta2 * guess.inverse_pt2);
}

Verdict connected(const Hit& a, const Hit& b, const Hit& c, const Detector& detector, const patatrack::Config& config) {
  const auto& cuts = config.connect;
  const Slope in = slope_of(a, b, detector), out = slope_of(b, c, detector);
  const Guess guess = guess_of(a, b, c, detector, config);
  const double scatter = guess.theta2 * std::pow(1 + in.cot * in.cot, 1.5) * guess.inverse_pt2;
  // the middle hit moves both slopes against each other: more than the sum of their variances
  const double width = cuts.n_sigma * std::sqrt(1.5 * (in.variance + out.variance) + scatter);
  const double largest = cuts.curvature_margin * double{kGevPerTeslaMm} * detector.field / config.doublets.min_pt;
  const double reach = cuts.max_dxy + dxy_by_scattering(guess, a.r, config);
  Slack slack;
  slack.cut(width - std::fabs(out.cot - in.cot), width);
  slack.cut(largest - 1 / guess.circle.radius, largest);
  slack.cut(reach - guess.dxy, reach);
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
  const Fishbone fishbone(hits, config.doublets);
  std::map<Triplet, Verdict> found;
  for (const auto& [inner, middle] : doublets) {
    const auto [first, last] = from.equal_range(middle);
    for (auto it = first; it != last; ++it) {
      const auto hit = [&](Index i) -> const Hit& { return hits[static_cast<std::size_t>(i)]; };
      Verdict verdict = connected(hit(inner), hit(middle), hit(it->second), detector, config);
      if (verdict == Verdict::no) continue;
      verdict = both(verdict, opposite(fishbone.shadowed(inner, middle)));
      if (verdict != Verdict::no) verdict = both(verdict, opposite(fishbone.shadowed(middle, it->second)));
      if (verdict != Verdict::no) found[{inner, middle, it->second}] = verdict;
    }
  }
  return found;
}

Verdict stands_alone(const std::vector<Hit>& hits, const Triplet& triplet, const Detector& detector,
                     const patatrack::Config& config) {
  const auto hit = [&](Index i) -> const Hit& { return hits[static_cast<std::size_t>(i)]; };
  const Guess guess = guess_of(hit(triplet.inner), hit(triplet.middle), hit(triplet.outer), detector, config);
  const double reach =
      std::hypot(config.connect.max_dxy_triplet, dxy_by_scattering(guess, hit(triplet.inner).r, config));
  Slack slack;
  slack.cut(reach - guess.dxy, reach);
  return slack.verdict(kTolerance);
}

}  // namespace helix::twins
