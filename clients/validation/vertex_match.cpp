#include "clients/validation/vertex_match.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace helix::validation {
namespace {

constexpr double kNear = 2.0;  // mm in the transverse plane: particles made there are the interaction's own
constexpr double kSigmas = 5, kLeastWindow = 0.2, kMostWindow = 1.0, kSigmaUnknown = 0.1;  // mm

template <class T>
std::vector<std::size_t> sorted_rows(const std::vector<T>& key) {
  std::vector<std::size_t> rows(key.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return key[a] < key[b]; });
  return rows;
}

/// Row whose key is `value`, or the one that follows in order (the last, where none does).
template <class T>
std::size_t row_at(const std::vector<T>& key, const std::vector<std::size_t>& order, T value) {
  const auto at = std::lower_bound(order.begin(), order.end(), value, [&](std::size_t r, T v) { return key[r] < v; });
  return at == order.end() ? order.back() : *at;
}

std::vector<std::size_t> interaction_of_particles(const TruthEvent& event) {
  const auto order = sorted_rows(event.vertices->id);
  std::vector<std::size_t> rows;
  for (std::int64_t id : event.particles.vertex_id) rows.push_back(row_at(event.vertices->id, order, id));
  return rows;
}

/// [interactions] has enough charged particles that could be found.
std::vector<char> accept(const TruthEvent& event, const TrueParameters& truth, const Cuts& cuts,
                         const std::vector<std::size_t>& interaction) {
  const TrueVertices& v = *event.vertices;
  const Particles& p = event.particles;
  std::vector<int> count(v.size(), 0);
  for (std::size_t i = 0; i < p.size() && !v.x.empty() && !v.y.empty(); ++i) {
    const std::size_t row = interaction[i];
    const bool good = p.q[i] != 0 && truth.pt[i] > cuts.vertex_min_pt && std::abs(truth.eta[i]) < cuts.max_eta &&
                      event.n_layers[i] >= cuts.min_hits;
    if (good && std::hypot(p.vx[i] - v.x[row], p.vy[i] - v.y[row]) < kNear) ++count[row];
  }
  std::vector<char> accepted;
  for (int n : count) accepted.push_back(n >= cuts.vertex_min_tracks);
  return accepted;
}

/// One to one pairs: row of the other side, or -1.
struct Pairing {
  std::vector<std::int64_t> of_reco, of_true;
};

class Windows {
 public:
  Windows(const RecoVertices& reco, const TrueVertices& truth) : reco_(reco), truth_(truth) {
    for (std::size_t r = 0; r < reco.size(); ++r)
      width_.push_back(std::clamp(kSigmas * sigma(r), kLeastWindow, kMostWindow));
  }
  double sigma(std::size_t r) const {
    return reco_.var_z.empty() ? kSigmaUnknown : std::sqrt(std::max(reco_.var_z[r], 0.0));
  }
  double distance(std::size_t r, std::size_t t) const { return std::abs(reco_.z[r] - truth_.z[t]); }
  bool holds(std::size_t r, std::size_t t) const { return distance(r, t) < width_[r]; }
  /// Whether the window of vertex r holds an interaction that `counts`.
  template <class Counts>
  bool any_true(std::size_t r, Counts counts) const {
    for (std::size_t t = 0; t < truth_.size(); ++t)
      if (counts(t) && holds(r, t)) return true;
    return false;
  }
  bool any_reco(std::size_t t) const {
    for (std::size_t r = 0; r < reco_.size(); ++r)
      if (holds(r, t)) return true;
    return false;
  }

 private:
  const RecoVertices& reco_;
  const TrueVertices& truth_;
  std::vector<double> width_;
};

void pair_nearest(const Windows& windows, const std::vector<char>& group, bool member, Pairing& pairs) {
  struct Candidate {
    std::size_t reco, truth;
    double distance;
  };
  std::vector<Candidate> candidates;
  for (std::size_t r = 0; r < pairs.of_reco.size(); ++r)
    for (std::size_t t = 0; t < pairs.of_true.size(); ++t)
      if ((group[t] != 0) == member && windows.holds(r, t)) candidates.push_back({r, t, windows.distance(r, t)});
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.distance < b.distance; });
  for (const Candidate& c : candidates)
    if (pairs.of_reco[c.reco] < 0 && pairs.of_true[c.truth] < 0) {
      pairs.of_reco[c.reco] = static_cast<std::int64_t>(c.truth);
      pairs.of_true[c.truth] = static_cast<std::int64_t>(c.reco);
    }
}

void count_interactions(const Windows& windows, const TrueVertices& truth, const std::vector<char>& accepted,
                        const Pairing& pairs, VertexMatches& out) {
  for (std::size_t t = 0; t < truth.size(); ++t) {
    if (!accepted[t]) continue;
    const bool found = pairs.of_true[t] >= 0;
    ++out.accepted;
    out.found += found;
    out.signal += truth.is_signal[t] != 0;
    out.signal_found += found && truth.is_signal[t] != 0;
    out.merged += !found && windows.any_reco(t);
  }
}

void count_vertices(const Windows& windows, const RecoVertices& reco, const TrueVertices& truth,
                    const std::vector<char>& accepted, const Pairing& pairs, VertexMatches& out) {
  out.reco = static_cast<std::int64_t>(reco.size());
  for (std::size_t r = 0; r < reco.size(); ++r) {
    out.fake += !windows.any_true(r, [](std::size_t) { return true; });
    const std::int64_t t = pairs.of_reco[r];
    if (t < 0) {
      out.split += windows.any_true(r, [&](std::size_t other) { return accepted[other] != 0; });
    } else if (accepted[t]) {
      const double dz = reco.z[r] - truth.z[t];
      out.dz.push_back(dz);
      if (!reco.var_z.empty()) out.pull.push_back(dz / std::max(windows.sigma(r), 1e-9));
      if (truth.is_signal[t]) out.dz_signal.push_back(dz);
    }
  }
}

void judge_first(const Windows& windows, const RecoVertices& reco, const TrueVertices& truth, VertexMatches& out) {
  const auto signal = std::find(truth.is_signal.begin(), truth.is_signal.end(), char{1}) - truth.is_signal.begin();
  if (signal == static_cast<std::ptrdiff_t>(truth.size())) return;
  if (reco.sum_pt2.empty() && reco.size() > 0) return;
  out.first_known = 1;
  if (reco.size() == 0) return;
  const auto first = std::max_element(reco.sum_pt2.begin(), reco.sum_pt2.end()) - reco.sum_pt2.begin();
  out.first_is_signal = windows.holds(static_cast<std::size_t>(first), static_cast<std::size_t>(signal));
}

void count_assigned(const std::vector<std::size_t>& interaction, const RecoVertices& reco, const RecoTracks& tracks,
                    const Matches& matches, const Pairing& pairs, VertexMatches& out) {
  const std::vector<double>* vertex_id = tracks.column("vertex_id");
  if (vertex_id == nullptr || reco.id.empty()) return;
  const auto order = sorted_rows(reco.id);
  for (std::size_t track = 0; track < tracks.size(); ++track) {
    const std::size_t r = row_at(reco.id, order, (*vertex_id)[track]);
    if (reco.id[r] != (*vertex_id)[track] || !matches.matched[track] || pairs.of_reco[r] < 0) continue;
    ++out.assigned;
    out.right += interaction[matches.best[track]] == static_cast<std::size_t>(pairs.of_reco[r]);
  }
}

void append(std::vector<double>& to, const std::vector<double>& from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

void VertexMatches::add(const VertexMatches& o) {
  events += o.events;
  accepted += o.accepted, found += o.found, merged += o.merged;
  signal += o.signal, signal_found += o.signal_found;
  reco += o.reco, split += o.split, fake += o.fake;
  assigned += o.assigned, right += o.right;
  first_known += o.first_known, first_is_signal += o.first_is_signal;
  append(dz, o.dz), append(pull, o.pull), append(dz_signal, o.dz_signal);
}

std::optional<VertexMatches> match_vertices(const TruthEvent& event, const TrueParameters& truth, const Cuts& cuts,
                                            const RecoVertices& reco, const RecoTracks& tracks,
                                            const Matches& matches) {
  const bool known = event.particles.vertex_id.size() == event.particles.size();
  if (!event.vertices || !known) return std::nullopt;
  VertexMatches out;
  out.events = 1;
  if (event.vertices->size() == 0) {
    out.reco = out.fake = static_cast<std::int64_t>(reco.size());
    return out;
  }
  const auto interaction = interaction_of_particles(event);
  const auto accepted = accept(event, truth, cuts, interaction);
  const Windows windows(reco, *event.vertices);
  Pairing pairs{std::vector<std::int64_t>(reco.size(), -1), std::vector<std::int64_t>(event.vertices->size(), -1)};
  pair_nearest(windows, accepted, true, pairs);
  pair_nearest(windows, accepted, false, pairs);
  count_interactions(windows, *event.vertices, accepted, pairs, out);
  count_vertices(windows, reco, *event.vertices, accepted, pairs, out);
  judge_first(windows, reco, *event.vertices, out);
  count_assigned(interaction, reco, tracks, matches, pairs, out);
  return out;
}

}  // namespace helix::validation
