#include "kernels/patatrack/broken_line.h"

#include "kernels/core/lane_math.h"
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
  Lanes l00{}, l01{}, l02{}, l11{}, l12{}, l22{};
  Lanes b0{}, b1{}, b2{};
  Lanes constant{};  // what is left of chi2

  HELIX_HD void measure(Lanes offset, Lanes weight) {
    l00 += weight;
    b0 += weight * offset;
    constant += weight * offset * offset;
  }
  HELIX_HD void scatter(Lanes variance) {
    const Lanes gain = variance / (1.f + variance * l11);
    const Lanes g0 = gain * l01, g1 = gain * l11, g2 = gain * l12, rest = 1.f - g1;
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
  HELIX_HD void move_in(Lanes d) {
    const Lanes h = 0.5f * d * d;
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
  Lanes l00{}, l01{}, l11{}, b0{}, b1{}, constant{};

  HELIX_HD void measure(Lanes z, Lanes weight) {
    l00 += weight;
    b0 += weight * z;
    constant += weight * z * z;
  }
  HELIX_HD void scatter(Lanes variance) {
    const Lanes gain = variance / (1.f + variance * l11);
    const Lanes rest = 1.f - gain * l11;
    l00 -= gain * l01 * l01;
    b0 -= gain * l01 * b1;
    constant -= gain * b1 * b1;
    l01 *= rest;
    l11 *= rest;
    b1 *= rest;
  }
  HELIX_HD void move_in(Lanes d) {
    l11 += d * (2.f * l01 + d * l00);
    l01 += d * l00;
    b1 += d * b0;
  }
};

/// The trajectory that kinks and residuals are taken from.
struct Reference {
  PerigeeOf<Lanes> perigee;
  Lanes z0, cot, inverse_cot;        // z = z0 + cot * arc
  Lanes inverse_pt2;                 // 1/GeV^2
  Lanes slant;                       // 1 / sin(theta): path over transverse path
  Lanes log_in_barrel, log_in_disc;  // of the path through a layer, over its thickness
};

/// A set of layers in each lane.
struct LayerSets {
  LaneBits low{}, high{};  // layers 0 to 31, 32 to 63

  HELIX_HD LaneMask has(Index l) const {
    const LaneBits word = l < 32 ? low : high;
    return (word >> static_cast<std::uint32_t>(l & 31) & 1u) != 0u;
  }
  HELIX_HD void add(int i, Index l) {
    LaneBits& word = l < 32 ? low : high;
    lane(word, i) |= std::uint32_t{1} << (l & 31);
  }
};

/// kLanes tracks, side by side; a lane without a track of its own repeats another's.
struct Tracks {
  const Index* hit[kLanes];
  Index n[kLanes], most;
};

struct Fitter {
  HitBatch batch;
  SortedHits hits;
  DetectorView detector;
  float inverse_pt_of;  // GeV^-1 mm

  /// Adds a scatterer: variance of the angle by Highland's formula (Review of Particle Physics), for a relativistic
  /// particle, p = pt / sin(theta). path: its length in radiation lengths; log_path: the logarithm of about that.
  HELIX_HD void scatter(const Reference& ref, Lanes path, Lanes log_path, CircleEquations& circle,
                        LineEquations& line) const {
    const Lanes logarithm = 1.f + 0.038f * log_path;
    const Lanes width = 0.0136f * choose(logarithm > 0.2f, logarithm, lanes_of(0.2f));
    const Lanes t = ref.slant * ref.slant, seen_across = width * width * path * ref.inverse_pt2;
    circle.scatter(seen_across);
    line.scatter(seen_across * t);
  }

  struct Surface {
    Lanes arc;
    LaneMask inside;  // within the layer's extent
  };
  HELIX_HD static Surface cross(const Reference& ref, const Layer& layer) {
    const bool barrel = layer.kind == LayerKind::barrel;
    const Lanes arc = barrel ? lanes_of(layer.position) : (layer.position - ref.z0) * ref.inverse_cot;
    const Lanes coordinate = barrel ? ref.z0 + ref.cot * arc : arc;
    const LaneMask inside = (coordinate >= layer.coordinate_min) & (coordinate <= layer.coordinate_max);
    return {arc, inside};
  }

  /// Scatterers of layers that are crossed between two arcs without a hit, from the outside in. Returns the arcs of the
  /// innermost points reached.
  HELIX_HD Lanes cross_unseen(const Reference& ref, Lanes from, Lanes to, const LayerSets& seen,
                              CircleEquations& circle, LineEquations& line) const {
    Lanes at = from;
    while (true) {
      Lanes best = to, path{}, log_path{};
      LaneMask crossed = best > best;
      for (Index l = 0; l < static_cast<Index>(detector.layers.size()); ++l) {
        const Layer& layer = detector.layers[l];
        const Surface surface = cross(ref, layer);
        const LaneMask next = surface.inside & (surface.arc > best + 1e-3f) & (surface.arc < at - 1e-3f) & !seen.has(l);
        if (!any(next)) continue;
        const bool barrel = layer.kind == LayerKind::barrel;
        const Lanes over = barrel ? ref.slant : ref.slant * absolute(ref.inverse_cot);
        best = choose(next, surface.arc, best);
        path = choose(next, layer.x0 * over, path);
        log_path = choose(next, layer.log_x0 + (barrel ? ref.log_in_barrel : ref.log_in_disc), log_path);
        crossed |= next;
      }
      if (!any(crossed)) return at;
      const Lanes step = choose(crossed, at - best, Lanes{});
      circle.move_in(step);
      line.move_in(step);
      scatter(ref, path, log_path, circle, line);
      at -= step;
    }
  }

  /// A hit of each lane, and its plane.
  struct Point {
    Lanes x, y, z;
    Lanes var_u, var_v;
    Lanes u[3], v[3], w[3];
    Lanes x0, log_x0, barrel;
  };
  HELIX_HD Point point(const Index (&hit)[kLanes]) const {
    Point p;
    p.x = make_lanes([&](int i) { return hits.x[hit[i]]; });
    p.y = make_lanes([&](int i) { return hits.y[hit[i]]; });
    p.z = make_lanes([&](int i) { return hits.z[hit[i]]; });
    for (int i = 0; i < kLanes; ++i) {
      const Module& module = detector.modules[hits.module[hit[i]]];
      const Layer& layer = detector.layers[hits.layer[hit[i]]];
      const Index row = hits.original[hit[i]];
      lane(p.var_u, i) = batch.var_u.empty() ? layer.var_u : layer.var_scale_u * batch.var_u[row];
      lane(p.var_v, i) = batch.var_v.empty() ? layer.var_v : layer.var_scale_v * batch.var_v[row];
      for (int k = 0; k < 3; ++k) {
        lane(p.u[k], i) = module.u[k];
        lane(p.v[k], i) = module.v[k];
        lane(p.w[k], i) = module.w[k];
      }
      lane(p.x0, i) = layer.x0;
      lane(p.log_x0, i) = layer.log_x0;
      lane(p.barrel, i) = layer.kind == LayerKind::barrel ? 1.f : 0.f;
    }
    return p;
  }

  struct Errors {
    Lanes var_offset, var_z, cos_incidence;
  };
  HELIX_HD static Errors errors(const Reference& ref, const Point& p, Lanes tx, Lanes ty) {
    const Lanes u_left = p.u[1] * tx - p.u[0] * ty, v_left = p.v[1] * tx - p.v[0] * ty;
    const Lanes u_z = p.u[2] - ref.cot * (p.u[0] * tx + p.u[1] * ty);
    const Lanes v_z = p.v[2] - ref.cot * (p.v[0] * tx + p.v[1] * ty);
    const Lanes cosine = absolute(p.w[0] * tx + p.w[1] * ty + p.w[2] * ref.cot) / ref.slant;
    return {p.var_u * u_left * u_left + p.var_v * v_left * v_left, p.var_u * u_z * u_z + p.var_v * v_z * v_z,
            choose(cosine > 0.05f, cosine, lanes_of(0.05f))};
  }

  HELIX_HD Reference reference(const Tracks& tracks) const {
    Lanes x[3], y[3], z[3];
    for (int i = 0; i < kLanes; ++i) {
      const Index picked[3] = {tracks.hit[i][0], tracks.hit[i][tracks.n[i] / 2], tracks.hit[i][tracks.n[i] - 1]};
      for (int k = 0; k < 3; ++k) {
        lane(x[k], i) = hits.x[picked[k]];
        lane(y[k], i) = hits.y[picked[k]];
        lane(z[k], i) = hits.z[picked[k]];
      }
    }
    Reference ref;
    ref.perigee = perigee_of(circle_through(x[0], y[0], x[1], y[1], x[2], y[2]));
    const Lanes arc_first = ref.perigee.place(x[0], y[0]).arc, arc_last = ref.perigee.place(x[2], y[2]).arc;
    ref.cot = (z[2] - z[0]) / (arc_last - arc_first);
    ref.inverse_cot = 1.f / ref.cot;
    ref.z0 = z[0] - ref.cot * arc_first;
    ref.slant = root(1.f + ref.cot * ref.cot);
    ref.log_in_barrel = logarithm(ref.slant);
    ref.log_in_disc = ref.log_in_barrel - logarithm(absolute(ref.cot) + 1e-6f);
    const Lanes inverse_pt = ref.perigee.curvature * inverse_pt_of;
    // a floor keeps straight tracks from being perfectly stiff: 100 GeV
    ref.inverse_pt2 = inverse_pt * inverse_pt + 1e-4f;
    return ref;
  }

  /// Eliminates all points of the tracks, outermost first, and moves to the beam line.
  HELIX_HD void eliminate(const Reference& ref, const Tracks& tracks, CircleEquations& circle,
                          LineEquations& line) const {
    LayerSets seen;
    for (int i = 0; i < kLanes; ++i)
      for (Index k = 0; k < tracks.n[i]; ++k) seen.add(i, hits.layer[tracks.hit[i][k]]);
    Lanes at{};
    for (Index k = tracks.most - 1; k >= 0; --k) {
      Index hit[kLanes];
      for (int i = 0; i < kLanes; ++i) hit[i] = tracks.hit[i][k < tracks.n[i] ? k : tracks.n[i] - 1];
      const LaneMask here = make_lanes([&](int i) { return k < tracks.n[i] ? 1.f : 0.f; }) > 0.f;
      const LaneMask further_in = make_lanes([&](int i) { return k < tracks.n[i] - 1 ? 1.f : 0.f; }) > 0.f;
      const Point p = point(hit);
      const PerigeeOf<Lanes>::Place place = ref.perigee.place(p.x, p.y);
      at = choose(further_in, at, place.arc);
      at = cross_unseen(ref, at, place.arc, seen, circle, line);
      circle.move_in(at - place.arc);
      line.move_in(at - place.arc);
      const Lanes cosine = root(1.f - choose(place.sine * place.sine < 1.f, place.sine * place.sine, lanes_of(1.f)));
      const Lanes tx = ref.perigee.cos_phi * cosine - ref.perigee.sin_phi * place.sine;
      const Lanes ty = ref.perigee.sin_phi * cosine + ref.perigee.cos_phi * place.sine;
      const Errors error = errors(ref, p, tx, ty);
      const Lanes log_path = p.log_x0 + choose(p.barrel > 0.f, ref.log_in_barrel, ref.log_in_disc);
      scatter(ref, choose(further_in, p.x0 / error.cos_incidence, Lanes{}), log_path, circle, line);
      circle.measure(place.offset, choose(here, 1.f / error.var_offset, Lanes{}));
      line.measure(p.z - (ref.z0 + ref.cot * place.arc), choose(here, 1.f / error.var_z, Lanes{}));
      at = place.arc;
    }
    const Lanes pipe = lanes_of(detector.beam_pipe_radius);
    at = cross_unseen(ref, at, pipe, seen, circle, line);
    const LaneMask through = (pipe > 0.f) & (pipe < at);
    const Lanes step = choose(through, at - pipe, Lanes{});
    circle.move_in(step);
    line.move_in(step);
    scatter(ref, choose(through, detector.beam_pipe_x0 * ref.slant, Lanes{}),
            ref.log_in_barrel + detector.log_beam_pipe_x0, circle, line);
    circle.move_in(at - step);
    line.move_in(at - step);
  }

  /// Parameters and covariance of each lane from its equations.
  HELIX_HD static void solve(const Reference& ref, const CircleEquations& c, const LineEquations& l,
                             float inverse_pt_of, TrackFit (&out)[kLanes]) {
    // inverse of the symmetric 3x3, by cofactors
    const Lanes c00 = c.l11 * c.l22 - c.l12 * c.l12, c01 = c.l02 * c.l12 - c.l01 * c.l22,
                c02 = c.l01 * c.l12 - c.l02 * c.l11;
    const Lanes inverse = 1.f / (c.l00 * c00 + c.l01 * c01 + c.l02 * c02);
    Lanes v00 = c00 * inverse, v01 = c01 * inverse, v02 = c02 * inverse;
    Lanes v11 = (c.l00 * c.l22 - c.l02 * c.l02) * inverse, v12 = (c.l01 * c.l02 - c.l00 * c.l12) * inverse;
    Lanes v22 = (c.l00 * c.l11 - c.l01 * c.l01) * inverse;
    Lanes offset = v00 * c.b0 + v01 * c.b1 + v02 * c.b2, slope = v01 * c.b0 + v11 * c.b1 + v12 * c.b2,
          bend = v02 * c.b0 + v12 * c.b1 + v22 * c.b2;
    Lanes chi2_circle = c.constant - (offset * c.b0 + slope * c.b1 + bend * c.b2);
    const Lanes determinant = 1.f / (l.l00 * l.l11 - l.l01 * l.l01);
    Lanes w00 = l.l11 * determinant, w01 = -l.l01 * determinant, w11 = l.l00 * determinant;
    const Lanes dz = w00 * l.b0 + w01 * l.b1, dcot = w01 * l.b0 + w11 * l.b1;
    Lanes chi2_line = l.constant - (dz * l.b0 + dcot * l.b1);
    Lanes dxy = ref.perigee.dxy + offset, q_over_pt = -(ref.perigee.curvature + bend) * inverse_pt_of;
    Lanes z = ref.z0 + dz, cot = ref.cot + dcot;
    // the reference turned by the slope, which is small
    const Lanes norm = 1.f / root(1.f + slope * slope * (1.f + 2.f / 3.f * slope * slope));
    const Lanes turn = slope * (1.f + slope * slope / 3.f);  // tan
    Lanes cosine = (ref.perigee.cos_phi - ref.perigee.sin_phi * turn) * norm;
    Lanes sine = (ref.perigee.sin_phi + ref.perigee.cos_phi * turn) * norm;
    Lanes phi = angle_of(sine, cosine);
    for (int i = 0; i < kLanes; ++i) {
      TrackFit& fit = out[i];
      fit.cos_phi = lane(cosine, i);
      fit.sin_phi = lane(sine, i);
      fit.phi = lane(phi, i);
      fit.dxy = lane(dxy, i);
      fit.q_over_pt = lane(q_over_pt, i);
      fit.cot_theta = lane(cot, i);
      fit.dz = lane(z, i);
      fit.circle[0] = lane(v11, i);
      fit.circle[1] = lane(v01, i);
      fit.circle[2] = -lane(v12, i) * inverse_pt_of;
      fit.circle[3] = lane(v00, i);
      fit.circle[4] = -lane(v02, i) * inverse_pt_of;
      fit.circle[5] = lane(v22, i) * inverse_pt_of * inverse_pt_of;
      fit.line[0] = lane(w11, i);
      fit.line[1] = lane(w01, i);
      fit.line[2] = lane(w00, i);
      fit.chi2_circle = lane(chi2_circle, i);
      fit.chi2_line = lane(chi2_line, i);
      check(fit);
    }
  }

  /// chi2 of a perfect fit is not below 0 by rounding; equations without a solution are marked.
  HELIX_HD static void check(TrackFit& fit) {
    const float sum = fit.circle[3] + fit.circle[0] + fit.circle[5];
    const bool sound = fit.circle[3] > 0 && fit.circle[0] > 0 && fit.circle[5] > 0 && fit.line[2] > 0 &&
                       fit.line[0] > 0 && std::isfinite(sum) &&
                       std::isfinite(fit.chi2_line + fit.dxy + fit.dz + fit.line[2] + fit.line[0] + fit.phi);
    if (!(fit.chi2_circle >= 0.f)) fit.chi2_circle = 0.f;
    if (!(fit.chi2_line >= 0.f)) fit.chi2_line = 0.f;
    if (!sound) fit.chi2_line = std::numeric_limits<float>::infinity();
  }

  HELIX_HD void fit(const Tracks& tracks, TrackFit (&out)[kLanes]) const {
    const Reference ref = reference(tracks);
    CircleEquations circle;
    LineEquations line;
    eliminate(ref, tracks, circle, line);
    solve(ref, circle, line, inverse_pt_of, out);
  }
};

struct KeyOfSize {
  static constexpr int kBits = 5;
  TrackHits tracks;
  Span<std::uint64_t> key;
  Span<Index> track;
  HELIX_HD void operator()(Index t) const {
    const Index n = tracks.rows.size(t), most = (1 << kBits) - 1;
    key[t] = static_cast<std::uint64_t>(n < most ? n : most);
    track[t] = t;
  }
};

/// Tracks of about as many hits side by side: a lane waits for the longest.
Span<const Index> order_by_size(Exec& exec, const TrackHits& tracks) {
  const Index n = tracks.rows.rows();
  auto key = exec.scratch<std::uint64_t>(n);
  auto order = exec.scratch<Index>(n);
  for_each(exec, n, KeyOfSize{tracks, key, order});
  sort_by_key(exec, key, order, KeyOfSize::kBits);
  return order;
}

/// Fits kLanes tracks.
struct FitTracks {
  Fitter fitter;
  TrackHits tracks;
  Span<const Index> order;
  Span<TrackFit> fit;
  HELIX_HD void operator()(Index group) const {
    const Index first = group * kLanes, n = tracks.rows.rows() - first;
    Tracks side_by_side{};
    for (int i = 0; i < kLanes; ++i) {
      const Index t = order[first + (i < n ? i : 0)];
      side_by_side.hit[i] = tracks.hit.begin() + tracks.rows.begin(t);
      side_by_side.n[i] = tracks.rows.size(t);
      if (side_by_side.n[i] > side_by_side.most) side_by_side.most = side_by_side.n[i];
    }
    TrackFit out[kLanes];
    fitter.fit(side_by_side, out);
    for (int i = 0; i < kLanes && i < n; ++i) fit[order[first + i]] = out[i];
  }
};

}  // namespace

Span<const TrackFit> fit_broken_lines(Exec& exec, const HitBatch& batch, const SortedHits& hits,
                                      const DetectorView& detector, const TrackHits& tracks) {
  exec.begin_stage("fit");
  const Index n = tracks.rows.rows();
  auto fit = exec.scratch<TrackFit>(n);
  const Fitter fitter{batch, hits, detector, 1.f / (kGevPerTeslaMm * detector.field)};
  for_each(exec, (n + kLanes - 1) / kLanes, FitTracks{fitter, tracks, order_by_size(exec, tracks), fit});
  return fit;
}

}  // namespace helix::patatrack
