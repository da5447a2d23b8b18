#include "test/twins/broken_line.h"

#include "kernels/core/units.h"
#include "test/twins/connections.h"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

namespace helix::twins {
namespace {

/// The circle and line that offsets are measured from.
struct Reference {
  SchoolCircle circle;
  double phi, dxy;  // at the closest approach to the beam line
  double z0, cot;

  double curvature() const { return circle.turn / circle.radius; }
  /// Arc length from the closest approach, in the direction of flight.
  double arc(const Hit& hit) const {
    const double nx = -std::sin(phi), ny = std::cos(phi);
    const double start = std::atan2(dxy * ny - circle.y, dxy * nx - circle.x);
    const double angle = std::atan2(hit.y - circle.y, hit.x - circle.x);
    return circle.turn * circle.radius * std::remainder(angle - start, 2 * std::numbers::pi);
  }
  double offset_left(const Hit& hit) const {
    return circle.turn * (circle.radius - std::hypot(hit.x - circle.x, hit.y - circle.y));
  }
};

Reference reference_of(const Hit& a, const Hit& b, const Hit& c) {
  Reference ref{};
  ref.circle = circle_through(a.x, a.y, b.x, b.y, c.x, c.y);
  // the left normal at the closest approach points at the centre, or away from it
  const double distance = std::hypot(ref.circle.x, ref.circle.y);
  const double nx = ref.circle.turn * ref.circle.x / distance, ny = ref.circle.turn * ref.circle.y / distance;
  ref.phi = std::atan2(-nx, ny);
  ref.dxy = ref.circle.turn * (distance - ref.circle.radius);
  ref.cot = (c.z - a.z) / (ref.arc(c) - ref.arc(a));
  ref.z0 = a.z - ref.cot * ref.arc(a);
  return ref;
}

/// A place where the trajectory is measured, scattered or both.
struct Place {
  double arc;
  double offset = 0, z = 0;  // measured, from the reference
  double offset_weight = 0, z_weight = 0;
  double thickness = 0;  // radiation lengths along the track
};

double dot(const float* a, double x, double y, double z) { return a[0] * x + a[1] * y + a[2] * z; }

Place place_of(const Reference& ref, const Hit& hit, const Detector& detector) {
  const Module& module = detector.modules[static_cast<std::size_t>(hit.module)];
  const Layer& layer = detector.layers[static_cast<std::size_t>(hit.layer)];
  Place place{ref.arc(hit)};
  const double direction = ref.phi + ref.curvature() * place.arc, tx = std::cos(direction), ty = std::sin(direction);
  // a displacement along u or v moves the offset to the left, and z against the track's slope
  const double u_left = dot(module.u, -ty, tx, 0), v_left = dot(module.v, -ty, tx, 0);
  const double u_z = dot(module.u, -ref.cot * tx, -ref.cot * ty, 1);
  const double v_z = dot(module.v, -ref.cot * tx, -ref.cot * ty, 1);
  const double incidence = std::fabs(dot(module.w, tx, ty, ref.cot)) / std::hypot(1., ref.cot);
  place.offset = ref.offset_left(hit);
  place.z = hit.z - (ref.z0 + ref.cot * place.arc);
  place.offset_weight = 1 / (layer.var_u * u_left * u_left + layer.var_v * v_left * v_left);
  place.z_weight = 1 / (layer.var_u * u_z * u_z + layer.var_v * v_z * v_z);
  place.thickness = layer.x0 / std::max(incidence, 0.05);
  return place;
}

/// Layers without a hit that are crossed between two arcs; neither of the layers at the two ends.
void add_unseen(std::vector<Place>& places, const Reference& ref, double from, double to, std::int32_t layer_from,
                std::int32_t layer_to, const Detector& detector) {
  const double t = std::hypot(1., ref.cot);
  for (std::size_t l = 0; l < detector.layers.size(); ++l) {
    const Layer& layer = detector.layers[l];
    if (static_cast<std::int32_t>(l) == layer_from || static_cast<std::int32_t>(l) == layer_to) continue;
    const bool barrel = layer.kind == LayerKind::barrel;
    const double arc = barrel ? layer.position : (layer.position - ref.z0) / ref.cot;
    const double coordinate = barrel ? ref.z0 + ref.cot * arc : arc;
    if (!(arc > from && arc < to) || coordinate < layer.coordinate_min || coordinate > layer.coordinate_max) continue;
    Place place{arc};
    place.thickness = layer.x0 * (barrel ? t : t / std::fabs(ref.cot));
    places.push_back(place);
  }
}

/// All places by arc, the beam line first.
std::vector<Place> places_of(const Reference& ref, const std::vector<Hit>& hits, const Detector& detector) {
  std::vector<Place> places;
  places.push_back({0});
  const double pipe = detector.beam_pipe_radius;
  const double first = ref.arc(hits.front());
  if (pipe > 0 && pipe < first) {
    places.push_back({pipe});
    places.back().thickness = detector.beam_pipe_x0 * std::hypot(1., ref.cot);
  }
  add_unseen(places, ref, pipe, first, hits.front().layer, hits.front().layer, detector);
  for (std::size_t k = 0; k < hits.size(); ++k) {
    places.push_back(place_of(ref, hits[k], detector));
    if (k + 1 < hits.size() && hits[k].layer != hits[k + 1].layer)
      add_unseen(places, ref, places.back().arc, ref.arc(hits[k + 1]), hits[k].layer, hits[k + 1].layer, detector);
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.arc < b.arc; });
  return places;
}

/// Variance of the angle in a plane that holds the track (Highland), for p = pt / sin(theta) and speed 1.
double scattering(double thickness, double inverse_pt2, double cot) {
  const double width = 0.0136 * std::max(1 + 0.038 * std::log(thickness), 0.2);
  return width * width * thickness * inverse_pt2 / (1 + cot * cot);
}

}  // namespace

PlaneFit fit_points(const Points& points) {
  const auto n = static_cast<Eigen::Index>(points.at.size());
  const Eigen::Index unknowns = n + (points.bends ? 1 : 0);
  Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(unknowns, unknowns);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(unknowns);
  std::vector<std::tuple<Eigen::VectorXd, double, double>> rows;  // coefficients, measured value, weight
  const auto measure = [&](const Eigen::VectorXd& row, double value, double weight) {
    normal += weight * row * row.transpose();
    right += weight * value * row;
    rows.push_back({row, value, weight});
  };
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    Eigen::VectorXd row = Eigen::VectorXd::Zero(unknowns);
    row(i) = 1;
    if (points.offset_weight[k] > 0) measure(row, points.offset[k], points.offset_weight[k]);
    if (i == 0 || i == n - 1) continue;
    const double before = points.at[k] - points.at[k - 1], after = points.at[k + 1] - points.at[k];
    row.setZero();
    row(i - 1) = 1 / before;
    row(i) = -1 / before - 1 / after;
    row(i + 1) = 1 / after;
    if (points.bends) row(n) = -(before + after) / 2;
    measure(row, points.kink[k], points.kink_weight[k]);
  }
  const Eigen::MatrixXd covariance = normal.fullPivLu().inverse();
  const Eigen::VectorXd solution = covariance * right;

  // offset, slope, curvature at the first point
  Eigen::MatrixXd wanted = Eigen::MatrixXd::Zero(3, unknowns);
  const double step = points.at[1] - points.at[0];
  wanted(0, 0) = 1;
  wanted(1, 0) = -1 / step;
  wanted(1, 1) = 1 / step;
  if (points.bends) wanted(1, n) = -step / 2, wanted(2, n) = 1;
  const Eigen::VectorXd value = wanted * solution;
  const Eigen::MatrixXd error = wanted * covariance * wanted.transpose();
  PlaneFit fit{};
  for (int i = 0; i < 3; ++i) {
    fit.value[static_cast<std::size_t>(i)] = value(i);
    for (int j = 0; j < 3; ++j) fit.covariance[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] = error(i, j);
  }
  for (const auto& [row, measured, weight] : rows) fit.chi2 += weight * std::pow(measured - row.dot(solution), 2);
  return fit;
}

FittedTrack fit_broken_line(const std::vector<Hit>& hits, const Detector& detector) {
  const Reference ref = reference_of(hits.front(), hits[hits.size() / 2], hits.back());
  const double bending = double{kGevPerTeslaMm} * detector.field;
  const double inverse_pt2 = std::pow(ref.curvature() / bending, 2) + 1e-4;  // no track is stiffer than 100 GeV
  const double t = 1 + ref.cot * ref.cot;

  FittedTrack out{};
  Points &xy = out.transverse, &rz = out.longitudinal;
  xy.bends = true;
  rz.bends = false;
  for (const Place& place : places_of(ref, hits, detector)) {
    const double variance = place.thickness > 0 ? scattering(place.thickness, inverse_pt2, ref.cot) : 0;
    for (Points* plane : {&xy, &rz}) {
      plane->at.push_back(place.arc);
      plane->kink.push_back(0);
    }
    xy.offset.push_back(place.offset);
    xy.offset_weight.push_back(place.offset_weight);
    xy.kink_weight.push_back(variance > 0 ? 1 / (variance * t) : 0);
    rz.offset.push_back(place.z);
    rz.offset_weight.push_back(place.z_weight);
    rz.kink_weight.push_back(variance > 0 ? 1 / (variance * t * t) : 0);
  }
  const PlaneFit circle = fit_points(xy), line = fit_points(rz);
  const auto& c = circle.covariance;
  const auto& l = line.covariance;
  out.phi = std::remainder(ref.phi + circle.value[1], 2 * std::numbers::pi);
  out.dxy = ref.dxy + circle.value[0];
  out.q_over_pt = -(ref.curvature() + circle.value[2]) / bending;
  out.cot_theta = ref.cot + line.value[1];
  out.dz = ref.z0 + line.value[0];
  out.circle = {c[1][1], c[0][1], -c[1][2] / bending, c[0][0], -c[0][2] / bending, c[2][2] / bending / bending};
  out.line = {l[1][1], l[0][1], l[0][0]};
  out.chi2_circle = circle.chi2;
  out.chi2_line = line.chi2;
  return out;
}

}  // namespace helix::twins
