#include "clients/validation/match.h"

#include <algorithm>
#include <numeric>

namespace helix::validation {
namespace {

constexpr double kPurity = 0.75;
constexpr std::int64_t kLeastHits = 3;

/// A track's known hits, each once, as rows of the event; counts what is left out.
std::vector<std::size_t> hit_rows(const TruthEvent& event, const RecoTracks& tracks, std::size_t track,
                                  std::int64_t& unknown, std::int64_t& repeated) {
  std::vector<std::size_t> rows;
  for (std::size_t i = tracks.hit_offsets[track]; i < tracks.hit_offsets[track + 1]; ++i) {
    const auto at = std::lower_bound(event.hit_id.begin(), event.hit_id.end(), tracks.hit_id[i]);
    if (at == event.hit_id.end() || *at != tracks.hit_id[i])
      ++unknown;
    else
      rows.push_back(static_cast<std::size_t>(at - event.hit_id.begin()));
  }
  std::sort(rows.begin(), rows.end());
  const auto end = std::unique(rows.begin(), rows.end());
  repeated += rows.end() - end;
  rows.erase(end, rows.end());
  return rows;
}

struct Share {
  std::int32_t particle = -1;
  std::int64_t hits = 0;
};

/// The particle with most of these hits, the first of equals.
Share largest_share(const TruthEvent& event, const std::vector<std::size_t>& rows) {
  std::vector<std::int32_t> particles;
  for (std::size_t row : rows)
    if (event.hit_particle[row] >= 0) particles.push_back(event.hit_particle[row]);
  std::sort(particles.begin(), particles.end());
  Share best;
  for (auto first = particles.begin(); first != particles.end();) {
    const auto last = std::upper_bound(first, particles.end(), *first);
    if (last - first > best.hits) best = {*first, last - first};
    first = last;
  }
  return best;
}

void mark_duplicates(const TruthEvent& event, Matches& m) {
  std::vector<std::int64_t> best_track(event.particles.size(), -1);
  const auto better = [&](std::size_t a, std::size_t b) {
    return m.shared[a] != m.shared[b] ? m.shared[a] > m.shared[b] : m.length[a] < m.length[b];
  };
  for (std::size_t track = 0; track < m.best.size(); ++track) {
    if (!m.matched[track]) continue;
    std::int64_t& held = best_track[m.best[track]];
    if (held < 0) {
      held = static_cast<std::int64_t>(track);
      continue;
    }
    const bool wins = better(track, static_cast<std::size_t>(held));
    m.duplicate[wins ? static_cast<std::size_t>(held) : track] = 1;
    if (wins) held = static_cast<std::int64_t>(track);
  }
}

/// Weights of the marked hits over all weights.
double weight_share(const TruthEvent& event, const std::vector<char>& marked) {
  double right = 0, all = 0;
  for (std::size_t row = 0; row < marked.size(); ++row) {
    all += event.hit_weight[row];
    if (marked[row]) right += event.hit_weight[row];
  }
  return right / std::max(all, 1e-300);
}

}  // namespace

Matches match(const TruthEvent& event, const RecoTracks& tracks) {
  Matches m;
  std::vector<char> scored(event.hit_id.size(), 0);  // a hit of several tracks counts once
  for (std::size_t track = 0; track < tracks.size(); ++track) {
    std::int64_t unknown = 0;
    const auto rows = hit_rows(event, tracks, track, unknown, m.repeated_hits);
    const auto length = static_cast<std::int64_t>(rows.size()) + unknown;
    const Share share = largest_share(event, rows);
    m.unknown_hits += unknown;
    m.length.push_back(length);
    m.best.push_back(share.particle);
    m.shared.push_back(share.hits);
    m.matched.push_back(share.particle >= 0 && length >= kLeastHits &&
                        static_cast<double>(share.hits) > kPurity * static_cast<double>(length));
    if (share.particle >= 0 && 2 * share.hits > length && 2 * share.hits > event.n_hits[share.particle])
      for (std::size_t row : rows)
        if (event.hit_particle[row] == share.particle) scored[row] = 1;
  }
  m.duplicate.assign(tracks.size(), 0);
  mark_duplicates(event, m);
  m.trackml = weight_share(event, scored);
  return m;
}

}  // namespace helix::validation
