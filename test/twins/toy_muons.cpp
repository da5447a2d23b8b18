#include "test/twins/toy_muons.h"

#include "kernels/core/units.h"

#include <cmath>
#include <numbers>
#include <optional>
#include <random>

namespace helix::twins {
namespace {

struct Vector {
  double x, y, z;
};
Vector operator+(Vector a, Vector b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
Vector operator-(Vector a, Vector b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
Vector operator*(double s, Vector a) { return {s * a.x, s * a.y, s * a.z}; }
double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
Vector cross(Vector a, Vector b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
Vector unit(Vector a) { return (1 / std::sqrt(dot(a, a))) * a; }
Vector vector_of(const float* a) { return {a[0], a[1], a[2]}; }

/// A muon at a place: exact helix from there on.
struct State {
  Vector at;
  double phi, cot, q_over_pt;

  Vector direction() const { return unit({std::cos(phi), std::sin(phi), cot}); }  // of flight
  double p() const { return std::hypot(1., cot) / std::fabs(q_over_pt); }
  /// After a transverse arc s.
  State after(double s, double field) const {
    const double k = -double{kGevPerTeslaMm} * field * q_over_pt, half = k * s / 2;
    const double chord = std::fabs(half) < 1e-9 ? s : s * std::sin(half) / half;
    return {at + Vector{chord * std::cos(phi + half), chord * std::sin(phi + half), s * cot}, phi + k * s, cot,
            q_over_pt};
  }
};

/// Where a muon meets a surface: arc and the state there.
struct Meeting {
  double arc;
  State state;
};

constexpr double kFarthest = 700, kBehind = 1e-3;  // mm

/// Newton's steps towards a root of distance(state), whose growth along the arc is slope(state).
template <class Distance, class Slope>
std::optional<Meeting> meet(const State& from, double first_guess, double field, Distance distance, Slope slope) {
  double s = first_guess;
  for (int step = 0; step < 20; ++step) {
    const State here = from.after(s, field);
    const double away = distance(here), rate = slope(here);
    if (std::fabs(rate) < 1e-6) return {};
    const double change = -away / rate;
    s += change;
    if (!(std::fabs(s) < kFarthest)) return {};
    if (std::fabs(change) < 1e-9) return s > kBehind ? std::optional(Meeting{s, from.after(s, field)}) : std::nullopt;
  }
  return {};
}

std::optional<Meeting> meet_module(const State& from, const Module& module, double field, double margin) {
  const Vector center = vector_of(module.center), w = vector_of(module.w);
  const double guess = std::hypot(center.x - from.at.x, center.y - from.at.y);
  const auto found = meet(
      from, guess, field, [&](const State& s) { return dot(s.at - center, w); },
      [&](const State& s) {
        return dot({std::cos(s.phi), std::sin(s.phi), s.cot}, w);
      });
  if (!found) return {};
  const Vector off = found->state.at - center;
  const bool inside = std::fabs(dot(off, vector_of(module.u))) < module.half_u + margin &&
                      std::fabs(dot(off, vector_of(module.v))) < module.half_v + margin;
  return inside ? found : std::nullopt;
}

std::optional<Meeting> meet_pipe(const State& from, double radius, double field) {
  if (radius <= 0 || std::hypot(from.at.x, from.at.y) > radius) return {};
  return meet(
      from, radius, field, [&](const State& s) { return std::hypot(s.at.x, s.at.y) - radius; },
      [&](const State& s) {
        return (s.at.x * std::cos(s.phi) + s.at.y * std::sin(s.phi)) / std::hypot(s.at.x, s.at.y);
      });
}

class Toy {
 public:
  Toy(const Detector& detector, const ToyOptions& options)
      : detector_(detector), options_(options), random_(options.seed) {}

  ToyEvents make() {
    ToyEvents out;
    for (Index e = 0; e < options_.events; ++e) {
      for (int m = 0; m < options_.muons_per_event; ++m) out.muons.push_back(make_muon(out.batch, e));
      out.batch.append_empty();
      out.batch.beam_spot.back() = options_.spot;
    }
    return out;
  }

 private:
  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  double gauss(double sigma) { return sigma * std::normal_distribution<double>()(random_); }

  ToyMuon make_muon(test::OwnedBatch& batch, Index event) {
    const double pt = std::exp(uniform(std::log(options_.min_pt), std::log(options_.max_pt)));
    ToyMuon muon{};
    muon.event = event;
    muon.phi = uniform(-std::numbers::pi, std::numbers::pi);
    muon.q_over_pt = (uniform(-1, 1) < 0 ? -1 : 1) / pt;
    muon.cot_theta = std::sinh(uniform(-options_.max_eta, options_.max_eta));
    muon.dz = gauss(options_.sigma_z);
    const BeamSpot& spot = options_.spot;
    State state{{spot.x, spot.y, spot.z + muon.dz}, muon.phi, muon.cot_theta, muon.q_over_pt};
    if (const auto pipe = meet_pipe(state, detector_.beam_pipe_radius, detector_.field)) {
      state = pipe->state;
      scatter(state, detector_.beam_pipe_x0, unit({state.at.x, state.at.y, 0}));
    }
    const auto near = modules_near(state);
    while (true) {
      std::optional<Meeting> next;
      std::uint32_t where = 0;
      for (const std::uint32_t row : near) {
        const auto meeting = meet_module(state, detector_.modules[row], detector_.field, 0);
        if (meeting && (!next || meeting->arc < next->arc)) next = meeting, where = row;
      }
      if (!next) return muon;
      state = next->state;
      muon.hits.push_back(static_cast<Index>(batch.x.size()) - batch.events.back());
      add_hit(batch, state.at, where);
      const Module& module = detector_.modules[where];
      scatter(state, detector_.layers[static_cast<std::size_t>(module.layer)].x0, vector_of(module.w));
    }
  }

  /// Modules that the muon may meet, however it is scattered.
  std::vector<std::uint32_t> modules_near(const State& state) const {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < detector_.modules.size(); ++row)
      if (detector_.modules[row].layer >= 0 && meet_module(state, detector_.modules[row], detector_.field, 25))
        rows.push_back(row);
    return rows;
  }

  void add_hit(test::OwnedBatch& batch, Vector at, std::uint32_t row) {
    const Module& module = detector_.modules[row];
    const Layer& layer = detector_.layers[static_cast<std::size_t>(module.layer)];
    const Vector measured = at + gauss(std::sqrt(double{layer.var_u})) * vector_of(module.u) +
                            gauss(std::sqrt(double{layer.var_v})) * vector_of(module.v);
    batch.x.push_back(static_cast<float>(measured.x));
    batch.y.push_back(static_cast<float>(measured.y));
    batch.z.push_back(static_cast<float>(measured.z));
    batch.module.push_back(row);
  }

  /// Turns the direction by Gaussian angles in two planes; the momentum stays.
  void scatter(State& state, double x0, Vector normal) {
    const Vector d = state.direction();
    const double thickness = x0 / std::fabs(dot(d, normal)), p = state.p();
    if (thickness <= 0) return;
    const double width = 0.0136 / p * std::sqrt(thickness) * (1 + 0.038 * std::log(thickness));
    const Vector a = unit(cross(d, {0, 0, 1})), b = cross(d, a);
    const Vector turned = unit(d + gauss(width) * a + gauss(width) * b);
    const double transverse = std::hypot(turned.x, turned.y);
    state.phi = std::atan2(turned.y, turned.x);
    state.cot = turned.z / transverse;
    state.q_over_pt = (state.q_over_pt < 0 ? -1 : 1) / (p * transverse);
  }

  const Detector& detector_;
  ToyOptions options_;
  std::mt19937 random_;
};

}  // namespace

ToyEvents make_toy_muons(const Detector& detector, const ToyOptions& options) { return Toy(detector, options).make(); }

}  // namespace helix::twins
