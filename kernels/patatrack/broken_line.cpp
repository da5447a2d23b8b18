#include "kernels/patatrack/broken_line.h"

#include "kernels/core/parallel.h"
#include "kernels/core/units.h"
#include "kernels/patatrack/fast_circle.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace helix::patatrack {
namespace {

/// Normal equations of the transverse fit, reduced to (offset, slope, curvature) at one point of the reference circle.
struct CircleEquations {
  float l00 = 0, l01 = 0, l02 = 0, l11 = 0, l12 = 0, l22 = 0;
  float b0 = 0, b1 = 0, b2 = 0;
  float constant = 0;  // what is left of chi2

  HELIX_HD void measure(float offset, float weight) {
    l00 += weight;
    b0 += weight * offset;
    constant += weight * offset * offset;
  }
  HELIX_HD void scatter(float variance) {
    const float gain = variance / (1.f + variance * l11);
    const float g0 = gain * l01, g1 = gain * l11, g2 = gain * l12, rest = 1.f - g1;
    l00 -= g0 * l01;
    l02 -= g0 * l12;
    l22 -= g2 * l12;
    b0 -= g0 * b1;
    b2 -= g2 * b1;
    constant -= gain * b1 * b1;
    l01 *= rest;
    l12 *= rest;
    l11 *= rest;
    b1 *= rest;
  }
  /// To the point a distance d further in.
  HELIX_HD void move_in(float d) {
    const float h = 0.5f * d * d;
    l22 += 2.f * (h * l02 + d * l12) + d * d * l11 + h * (h * l00 + 2.f * d * l01);
    l12 += h * l01 + d * (h * l00 + l02 + d * l01) + d * l11;
    l02 += h * l00 + d * l01;
    l11 += d * (2.f * l01 + d * l00);
    l01 += d * l00;
    b2 += h * b0 + d * b1;
    b1 += d * b0;
  }
};

/// The same of the longitudinal fit, in (z, cot theta).
struct LineEquations {
  float l00 = 0, l01 = 0, l11 = 0, b0 = 0, b1 = 0, constant = 0;

  HELIX_HD void measure(float z, float weight) {
    l00 += weight;
    b0 += weight * z;
    constant += weight * z * z;
  }
  HELIX_HD void scatter(float variance) {
    const float gain = variance / (1.f + variance * l11);
    const float rest = 1.f - gain * l11;
    l00 -= gain * l01 * l01;
    b0 -= gain * l01 * b1;
    constant -= gain * b1 * b1;
    l01 *= rest;
    l11 *= rest;
    b1 *= rest;
  }
  HELIX_HD void move_in(float d) {
    l11 += d * (2.f * l01 + d * l00);
    l01 += d * l00;
    b1 += d * b0;
  }
};

/// The trajectory that kinks and residuals are taken from.
struct Reference {
  Perigee perigee;
  float z0, cot;  // z = z0 + cot * arc
  float inverse_cot;
  float inverse_pt2;  // 1/GeV^2
};

struct Fitter {
  HitBatch batch;
  SortedHits hits;
  DetectorView detector;
  float inverse_pt_of;  // GeV^-1 mm

  /// Variance of a scattering angle (Highland; Review of Particle Physics), seen along the track, for a relativistic
  /// particle: p = pt / sin(theta).
  HELIX_HD float scattering(const Reference& ref, float thickness) const {
    if (thickness <= 0.f) return 0.f;
    const float logarithm = 1.f + 0.038f * std::log(thickness);
    const float width = 0.0136f * (logarithm > 0.2f ? logarithm : 0.2f);
    return width * width * thickness * ref.inverse_pt2 / (1.f + ref.cot * ref.cot);
  }

  HELIX_HD void scatter(const Reference& ref, float thickness, CircleEquations& circle, LineEquations& line) const {
    const float t = 1.f + ref.cot * ref.cot;
    const float variance = scattering(ref, thickness);
    circle.scatter(variance * t);
    line.scatter(variance * t * t);
  }

  HELIX_HD static float arc_at(const Reference& ref, const Layer& layer) {
    return layer.kind == LayerKind::barrel ? layer.position : (layer.position - ref.z0) * ref.inverse_cot;
  }

  /// Layers that the trajectory crosses without a hit of the tuple, a bit each.
  HELIX_HD std::uint64_t unseen_layers(const Reference& ref, const Index* tuple, Index n) const {
    std::uint64_t seen = 0, crossed = 0;
    for (Index k = 0; k < n; ++k) seen |= std::uint64_t{1} << hits.layer[tuple[k]];
    for (Index l = 0; l < static_cast<Index>(detector.layers.size()); ++l) {
      const Layer& layer = detector.layers[l];
      const float arc = arc_at(ref, layer);
      const float coordinate = layer.kind == LayerKind::barrel ? ref.z0 + ref.cot * arc : arc;
      const bool inside = coordinate >= layer.coordinate_min && coordinate <= layer.coordinate_max;
      crossed |= std::uint64_t{inside} << l;
    }
    return crossed & ~seen;
  }

  /// Scatterers of unseen layers between two arcs, from the outside in. Returns the arc of the innermost point reached.
  HELIX_HD float cross_unseen(const Reference& ref, float from, float to, std::uint64_t unseen, CircleEquations& circle,
                              LineEquations& line) const {
    float at = from;
    while (true) {
      float best = to;
      Index crossed = -1;
      Index l = 0;
      for (std::uint64_t left = unseen; left != 0; left >>= 1, ++l) {
        if ((left & 1) == 0) continue;
        const float arc = arc_at(ref, detector.layers[l]);
        if (arc > best + 1e-3f && arc < at - 1e-3f) best = arc, crossed = l;
      }
      if (crossed < 0) return at;
      const Layer& layer = detector.layers[crossed];
      const float slant = std::sqrt(1.f + ref.cot * ref.cot);
      circle.move_in(at - best);
      line.move_in(at - best);
      const bool barrel = layer.kind == LayerKind::barrel;
      scatter(ref, layer.x0 * (barrel ? slant : slant * std::fabs(ref.inverse_cot)), circle, line);
      at = best;
    }
  }

  struct HitErrors {
    float var_offset, var_z, cos_incidence;
  };
  HELIX_HD HitErrors errors(const Reference& ref, Index hit, float tx, float ty) const {
    const Module module = detector.modules[hits.module[hit]];
    const Layer layer = detector.layers[hits.layer[hit]];
    const Index row = hits.original[hit];
    const float var_u = batch.var_u.empty() ? layer.var_u : layer.var_scale_u * batch.var_u[row];
    const float var_v = batch.var_v.empty() ? layer.var_v : layer.var_scale_v * batch.var_v[row];
    const float u_left = module.u[1] * tx - module.u[0] * ty, v_left = module.v[1] * tx - module.v[0] * ty;
    const float u_z = module.u[2] - ref.cot * (module.u[0] * tx + module.u[1] * ty);
    const float v_z = module.v[2] - ref.cot * (module.v[0] * tx + module.v[1] * ty);
    const float along = module.w[0] * tx + module.w[1] * ty + module.w[2] * ref.cot;
    const float cosine = std::fabs(along) / std::sqrt(1.f + ref.cot * ref.cot);
    return {var_u * u_left * u_left + var_v * v_left * v_left, var_u * u_z * u_z + var_v * v_z * v_z,
            cosine > 0.05f ? cosine : 0.05f};
  }

  HELIX_HD Reference reference(const Index* tuple, Index n) const {
    const Index first = tuple[0], middle = tuple[n / 2], last = tuple[n - 1];
    Reference ref{};
    ref.perigee = perigee_of(
        circle_through(hits.x[first], hits.y[first], hits.x[middle], hits.y[middle], hits.x[last], hits.y[last]));
    const float arc_first = ref.perigee.place(hits.x[first], hits.y[first]).arc;
    const float arc_last = ref.perigee.place(hits.x[last], hits.y[last]).arc;
    ref.cot = (hits.z[last] - hits.z[first]) / (arc_last - arc_first);
    ref.inverse_cot = 1.f / ref.cot;
    ref.z0 = hits.z[first] - ref.cot * arc_first;
    const float inverse_pt = ref.perigee.curvature * inverse_pt_of;
    // a floor keeps straight tracks from being perfectly stiff: 100 GeV
    ref.inverse_pt2 = inverse_pt * inverse_pt + 1e-4f;
    return ref;
  }

  /// Eliminates all points of a tuple, outermost first, and moves to the beam line.
  HELIX_HD void eliminate(const Reference& ref, const Index* tuple, Index n, CircleEquations& circle,
                          LineEquations& line) const {
    const std::uint64_t unseen = unseen_layers(ref, tuple, n);
    float at = 0;
    for (Index k = n - 1; k >= 0; --k) {
      const Index hit = tuple[k];
      const Perigee::Place place = ref.perigee.place(hits.x[hit], hits.y[hit]);
      if (k < n - 1) {
        at = cross_unseen(ref, at, place.arc, unseen, circle, line);
        circle.move_in(at - place.arc);
        line.move_in(at - place.arc);
      }
      const float cosine = std::sqrt(1.f - (place.sine * place.sine < 1.f ? place.sine * place.sine : 1.f));
      const float tx = ref.perigee.cos_phi * cosine - ref.perigee.sin_phi * place.sine;
      const float ty = ref.perigee.sin_phi * cosine + ref.perigee.cos_phi * place.sine;
      const HitErrors error = errors(ref, hit, tx, ty);
      if (k < n - 1) scatter(ref, detector.layers[hits.layer[hit]].x0 / error.cos_incidence, circle, line);
      circle.measure(place.offset, 1.f / error.var_offset);
      line.measure(hits.z[hit] - (ref.z0 + ref.cot * place.arc), 1.f / error.var_z);
      at = place.arc;
    }
    at = cross_unseen(ref, at, detector.beam_pipe_radius, unseen, circle, line);
    if (detector.beam_pipe_radius > 0.f && detector.beam_pipe_radius < at) {
      circle.move_in(at - detector.beam_pipe_radius);
      line.move_in(at - detector.beam_pipe_radius);
      scatter(ref, detector.beam_pipe_x0 * std::sqrt(1.f + ref.cot * ref.cot), circle, line);
      at = detector.beam_pipe_radius;
    }
    circle.move_in(at);
    line.move_in(at);
  }

  HELIX_HD TrackFit fit(const Index* tuple, Index n) const {
    const Reference ref = reference(tuple, n);
    CircleEquations c;
    LineEquations l;
    eliminate(ref, tuple, n, c, l);
    TrackFit out{};
    // inverse of the symmetric 3x3, by cofactors
    const float c00 = c.l11 * c.l22 - c.l12 * c.l12, c01 = c.l02 * c.l12 - c.l01 * c.l22,
                c02 = c.l01 * c.l12 - c.l02 * c.l11;
    const float inverse = 1.f / (c.l00 * c00 + c.l01 * c01 + c.l02 * c02);
    const float v00 = c00 * inverse, v01 = c01 * inverse, v02 = c02 * inverse;
    const float v11 = (c.l00 * c.l22 - c.l02 * c.l02) * inverse, v12 = (c.l01 * c.l02 - c.l00 * c.l12) * inverse;
    const float v22 = (c.l00 * c.l11 - c.l01 * c.l01) * inverse;
    const float offset = v00 * c.b0 + v01 * c.b1 + v02 * c.b2, slope = v01 * c.b0 + v11 * c.b1 + v12 * c.b2,
                bend = v02 * c.b0 + v12 * c.b1 + v22 * c.b2;
    const float phi = std::atan2(ref.perigee.sin_phi, ref.perigee.cos_phi) + slope;
    out.phi = phi > 3.14159274f ? phi - 6.28318531f : (phi <= -3.14159274f ? phi + 6.28318531f : phi);
    out.dxy = ref.perigee.dxy + offset;
    out.q_over_pt = -(ref.perigee.curvature + bend) * inverse_pt_of;
    out.circle[0] = v11;
    out.circle[1] = v01;
    out.circle[2] = -v12 * inverse_pt_of;
    out.circle[3] = v00;
    out.circle[4] = -v02 * inverse_pt_of;
    out.circle[5] = v22 * inverse_pt_of * inverse_pt_of;
    out.chi2_circle = c.constant - (offset * c.b0 + slope * c.b1 + bend * c.b2);

    const float determinant = 1.f / (l.l00 * l.l11 - l.l01 * l.l01);
    const float w00 = l.l11 * determinant, w01 = -l.l01 * determinant, w11 = l.l00 * determinant;
    const float z = w00 * l.b0 + w01 * l.b1, cot = w01 * l.b0 + w11 * l.b1;
    out.cot_theta = ref.cot + cot;
    out.dz = ref.z0 + z;
    out.line[0] = w11;
    out.line[1] = w01;
    out.line[2] = w00;
    out.chi2_line = l.constant - (z * l.b0 + cot * l.b1);
    if (!(out.chi2_circle >= 0.f)) out.chi2_circle = 0.f;  // rounding of a perfect fit
    const bool sound = v00 > 0 && v11 > 0 && v22 > 0 && w00 > 0 && w11 > 0 && std::isfinite(v00 + v11 + v22) &&
                       std::isfinite(out.chi2_line + out.dxy + out.dz + w00 + w11 + out.phi);
    if (!(out.chi2_line >= 0.f)) out.chi2_line = 0.f;
    if (!sound) out.chi2_line = std::numeric_limits<float>::infinity();
    return out;
  }
};

struct FitTracks {
  Fitter fitter;
  TrackHits tracks;
  Span<TrackFit> fit;
  HELIX_HD void operator()(Index t) const {
    fit[t] = fitter.fit(tracks.hit.begin() + tracks.rows.begin(t), tracks.rows.size(t));
  }
};

}  // namespace

Span<const TrackFit> fit_broken_lines(Exec& exec, const HitBatch& batch, const SortedHits& hits,
                                      const DetectorView& detector, const TrackHits& tracks) {
  exec.begin_stage("fit");
  auto fit = exec.scratch<TrackFit>(tracks.rows.rows());
  const Fitter fitter{batch, hits, detector, 1.f / (kGevPerTeslaMm * detector.field)};
  for_each(exec, tracks.rows.rows(), FitTracks{fitter, tracks, fit});
  return fit;
}

}  // namespace helix::patatrack
