#include "clients/validation/scorer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace helix::validation {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

const char* variance_of(const std::string& parameter) {
  if (parameter == "pt") return "var_qoverpt";
  if (parameter == "phi") return "var_phi";
  if (parameter == "cottheta") return "var_cottheta";
  return parameter == "dxy" ? "var_dxy" : "var_dz";
}

const std::vector<double>& true_column(const TrueParameters& truth, const std::string& parameter) {
  if (parameter == "pt") return truth.pt;
  if (parameter == "phi") return truth.phi;
  if (parameter == "cottheta") return truth.cot_theta;
  return parameter == "dxy" ? truth.dxy : truth.dz;
}

/// A parameter's column; cottheta, which files give as eta, is derived.
std::optional<std::vector<double>> reco_column(const RecoTracks& tracks, const std::string& parameter) {
  if (const auto* column = tracks.column(parameter)) return *column;
  const auto* eta = parameter == "cottheta" ? tracks.column("eta") : nullptr;
  if (eta == nullptr) return std::nullopt;
  std::vector<double> cot;
  for (double e : *eta) cot.push_back(std::sinh(e));
  return cot;
}

double pull(double difference, double variance) {
  const double error = std::sqrt(std::max(variance, 0.0));
  return error > 0 ? difference / error : kNone;
}

std::int64_t count_not_finite(const RecoTracks& tracks) {
  std::int64_t n = 0;
  for (const auto& [name, values] : tracks.columns)
    if (name != "quality" && name != "vertex_id" && name != "cottheta")
      n += std::count_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  return n;
}

}  // namespace

/// One event with all that is derived from it.
struct Scorer::Scored {
  const TruthEvent& event;
  const RecoTracks& tracks;
  TrueParameters truth;
  Matches matches;
  std::vector<char> found;   // [particles] some track is matched to it
  std::vector<char> chosen;  // [particles] in the acceptance
};

void Scorer::add(const TruthEvent& event, const RecoTracks& all, const std::optional<RecoVertices>& vertices) {
  const RecoTracks tracks = cuts_.min_quality ? all.with_quality(*cuts_.min_quality) : all;
  Scored s{event, tracks, true_parameters(event.particles, frame_.field, frame_.beam_spot), match(event, tracks),
           {},    {}};
  s.found.assign(event.particles.size(), 0);
  for (std::size_t track = 0; track < tracks.size(); ++track)
    if (s.matches.matched[track]) s.found[s.matches.best[track]] = 1;
  count_particles(s);
  count(s);
  count_tracks(s);
  put_best(s);
  if (!vertices) return;
  if (const auto v = match_vertices(event, s.truth, cuts_, *vertices, tracks, s.matches)) totals_.vertices.add(*v);
}

void Scorer::add_missing(const TruthEvent& event, const std::optional<RecoVertices>& vertices) {
  ++totals_.missing_events;
  add(event, RecoTracks(), vertices);
}

void Scorer::count_particles(Scored& s) {
  const Particles& p = s.event.particles;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const bool basic = p.q[i] != 0 && s.event.n_layers[i] >= cuts_.min_hits && std::abs(p.vz[i]) < cuts_.max_vz;
    const bool pt = s.truth.pt[i] > cuts_.min_pt, eta = std::abs(s.truth.eta[i]) < cuts_.max_eta;
    const bool radius = s.truth.radius[i] < cuts_.max_radius, found = s.found[i] != 0;
    if (basic && eta && radius) totals_.found_pt.put(s.truth.pt[i], found);
    if (basic && pt && radius) totals_.found_eta.put(s.truth.eta[i], found);
    if (basic && pt && eta) totals_.found_radius.put(s.truth.radius[i], found);
    s.chosen.push_back(basic && pt && eta && radius);
    totals_.particles += s.chosen[i];
    totals_.found += s.chosen[i] && found;
  }
}

void Scorer::count(const Scored& s) {
  const Matches& m = s.matches;
  const auto& weight = s.event.hit_weight;
  ++totals_.events;
  totals_.weighed_events += std::accumulate(weight.begin(), weight.end(), 0.0) > 0;
  totals_.trackml += m.trackml;
  totals_.tracks += static_cast<std::int64_t>(s.tracks.size());
  totals_.unknown_hits += m.unknown_hits;
  totals_.repeated_hits += m.repeated_hits;
  totals_.not_finite += count_not_finite(s.tracks);
  for (std::size_t track = 0; track < s.tracks.size(); ++track) {
    totals_.track_hits += m.length[track];
    totals_.duplicates += m.duplicate[track];
    if (!m.matched[track]) continue;
    ++totals_.matched;
    totals_.matched_hits += m.length[track];
    totals_.right_hits += m.shared[track];
  }
}

void Scorer::count_tracks(const Scored& s) {
  const auto *pt = s.tracks.column("pt"), *eta = s.tracks.column("eta");
  if (pt == nullptr || eta == nullptr) return;
  totals_.parameters = true;
  for (std::size_t track = 0; track < s.tracks.size(); ++track) {
    const double track_pt = (*pt)[track], track_eta = (*eta)[track];
    const bool fake = !s.matches.matched[track], duplicate = s.matches.duplicate[track] != 0;
    totals_.fake_pt.put(track_pt, fake);
    totals_.fake_eta.put(track_eta, fake);
    totals_.duplicate_pt.put(track_pt, duplicate);
    totals_.duplicate_eta.put(track_eta, duplicate);
    if (!(track_pt > cuts_.min_pt && std::abs(track_eta) < cuts_.max_eta)) continue;
    ++totals_.tracks_in;
    totals_.fakes_in += fake;
    totals_.duplicates_in += duplicate;
  }
}

void Scorer::put_best(const Scored& s) {
  std::vector<std::size_t> best;  // tracks: the best of each particle in the acceptance
  const auto* charge = s.tracks.column("charge");
  for (std::size_t track = 0; track < s.tracks.size(); ++track) {
    const std::int32_t particle = s.matches.best[track];
    if (!s.matches.matched[track] || s.matches.duplicate[track] || !s.chosen[particle]) continue;
    best.push_back(track);
    totals_.hit_share += static_cast<double>(s.matches.shared[track]) / std::max(s.event.n_hits[particle], 1);
    ++totals_.hit_share_n;
    if (charge == nullptr) continue;
    const double q = (*charge)[track];
    totals_.charge_right += (q > 0 ? 1.0 : q < 0 ? -1.0 : q) == s.event.particles.q[particle];
    ++totals_.charge_all;
  }
  put_residuals(s, best);
}

void Scorer::put_residuals(const Scored& s, const std::vector<std::size_t>& best) {
  for (const std::string& parameter : kParameters) {
    const auto reco = reco_column(s.tracks, parameter);
    if (!reco) continue;
    const auto& truth = true_column(s.truth, parameter);
    const auto* variance = s.tracks.column(variance_of(parameter));
    const bool is_pt = parameter == "pt";
    Residuals& out = totals_.residuals[parameter];
    for (std::size_t track : best) {
      const std::int32_t particle = s.matches.best[track];
      const double value = (*reco)[track], true_pt = s.truth.pt[particle];
      double difference = value - truth[particle];
      if (parameter == "phi") difference = wrap_angle(difference);
      // The error is that of 1/pt, whose distribution is the one that is Gaussian.
      const double pulled = is_pt ? 1 / std::max(value, 1e-9) - 1 / true_pt : difference;
      out.value.push_back(is_pt ? difference / true_pt : difference);
      out.pull.push_back(variance != nullptr ? pull(pulled, (*variance)[track]) : kNone);
      out.true_pt.push_back(true_pt);
      out.true_eta.push_back(s.truth.eta[particle]);
    }
  }
}

}  // namespace helix::validation
