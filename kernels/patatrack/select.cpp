#include "kernels/patatrack/select.h"

#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"

#include <cmath>

namespace helix::patatrack {
namespace {

enum State : std::int32_t { kUndecided, kAccepted, kRejected };

/// Floats in the order of unsigned integers.
HELIX_HD std::uint32_t ordered(float x) {
  union {
    float f;
    std::uint32_t u;
  } bits{x};
  return (bits.u & 0x80000000u) != 0 ? ~bits.u : bits.u | 0x80000000u;
}

struct Score {
  Candidates in;
  ScoreView scores;
  int stage;
  Span<const Index> tuple;
  Span<float> score;
  HELIX_HD void operator()(Index k) const {
    const Index t = tuple.empty() ? k : tuple[k];
    const Index layers = in.tuples.rows.size(t);
    const int row = stage * kTrackClasses + (layers <= 3 ? 0 : (layers == 4 ? 1 : 2));
    const float sum = score_of(scores.terms[row], scores.values, in.features[t].value);
    score[k] = std::isfinite(in.fit[t].chi2_line) ? sum : -1e9f;
  }
};

/// Candidates with a score, and what has become of them.
struct Contest {
  Candidates in;
  Span<const Index> tuple;  // [candidates]
  Span<const float> score;
  float max_shared, layer_bonus;
  Span<std::int32_t> state;     // [candidates]
  Span<std::uint64_t> owner;    // [hits] key of the best undecided candidate
  Span<std::int32_t> taken;     // [hits] by an accepted one
  Span<const Index> undecided;  // rows of candidates

  HELIX_HD std::uint64_t key(Index k) const {
    const float rank = score[k] + layer_bonus * static_cast<float>(in.tuples.rows.size(tuple[k]));
    return (static_cast<std::uint64_t>(ordered(rank)) << 32) | (0xffffffffu - static_cast<std::uint32_t>(tuple[k]));
  }
  template <class Visit>
  HELIX_HD void visit_hits(Index k, const Visit& visit) const {
    for (Index h = in.tracks.rows.begin(tuple[k]); h < in.tracks.rows.end(tuple[k]); ++h) visit(in.tracks.hit[h]);
  }
};

struct Forget {
  Contest c;
  HELIX_HD void operator()(Index row) const {
    const Index k = c.undecided[row];
    if (c.state[k] == kUndecided) c.visit_hits(k, [&](Index h) { atomic_store(&c.owner[h], std::uint64_t{0}); });
  }
};
struct Claim {
  Contest c;
  HELIX_HD void operator()(Index row) const {
    const Index k = c.undecided[row];
    const std::uint64_t key = c.key(k);
    if (c.state[k] == kUndecided) c.visit_hits(k, [&](Index h) { atomic_max(&c.owner[h], key); });
  }
};
struct Accept {
  Contest c;
  HELIX_HD void operator()(Index row) const {
    const Index k = c.undecided[row];
    if (c.state[k] != kUndecided) return;
    const std::uint64_t key = c.key(k);
    bool best = true;
    c.visit_hits(k, [&](Index h) { best &= c.taken[h] != 0 || c.owner[h] == key; });
    if (best) c.state[k] = kAccepted;
  }
};
struct Take {
  Contest c;
  HELIX_HD void operator()(Index row) const {
    const Index k = c.undecided[row];
    if (c.state[k] == kAccepted) c.visit_hits(k, [&](Index h) { atomic_max(&c.taken[h], 1); });
  }
};
struct Reject {
  Contest c;
  HELIX_HD void operator()(Index row) const {
    const Index k = c.undecided[row];
    if (c.state[k] != kUndecided) return;
    Index n = 0, shared = 0;
    c.visit_hits(k, [&](Index h) { ++n, shared += c.taken[h]; });
    if (static_cast<float>(shared) > c.max_shared * static_cast<float>(n)) c.state[k] = kRejected;
  }
};

struct Undecided {
  Span<const std::int32_t> state;
  HELIX_HD bool operator()(Index k) const { return state[k] == kUndecided; }
};

/// Each round, those that are best at all hits not yet taken are accepted, and those that share too many hits with
/// them rejected; the best undecided candidate is always accepted, so that it ends.
Span<const std::int32_t> resolve(Exec& exec, const Candidates& in, Span<const Index> tuple, Span<const float> score,
                                 const SelectConfig& config) {
  const auto n = static_cast<Index>(tuple.size());
  Contest contest{in,
                  tuple,
                  score,
                  config.max_shared,
                  config.layer_bonus,
                  exec.scratch<std::int32_t>(n),
                  exec.scratch<std::uint64_t>(in.hits.n_hits()),
                  exec.scratch<std::int32_t>(in.hits.n_hits()),
                  {}};
  fill(exec, contest.state, std::int32_t{kUndecided});
  fill(exec, contest.taken, std::int32_t{0});
  for (;;) {
    contest.undecided = select(exec, n, Undecided{contest.state});
    const auto left = static_cast<Index>(contest.undecided.size());
    if (left == 0) break;
    for (Index round = 0; round < Exec::kRoundsBetweenReads; ++round) {
      for_each(exec, left, Forget{contest});
      for_each(exec, left, Claim{contest});
      for_each(exec, left, Accept{contest});
      for_each(exec, left, Take{contest});
      for_each(exec, left, Reject{contest});
    }
  }
  return contest.state;
}

struct EventOf {
  Candidates in;
  HELIX_HD Index operator()(Index tuple) const { return in.hits.event[in.tuples.hit[in.tuples.rows.begin(tuple)]]; }
};

/// First row of each event among rows sorted by event.
struct CutByEvent {
  EventOf event_of;
  Span<const Index> tuple;
  Index n_events;
  Span<Index> first;
  HELIX_HD void operator()(Index k) const {
    const Index before = k == 0 ? -1 : event_of(tuple[k - 1]), mine = event_of(tuple[k]);
    for (Index e = before + 1; e <= mine; ++e) first[e] = k;
    const auto n = static_cast<Index>(tuple.size());
    if (k == n - 1)
      for (Index e = mine + 1; e <= n_events; ++e) first[e] = n;
  }
};

Offsets cut_by_event(Exec& exec, const Candidates& in, Span<const Index> tuple, Index n_events) {
  auto first = exec.scratch<Index>(n_events + 1);
  if (tuple.empty()) fill(exec, first, Index{0});
  for_each(exec, static_cast<Index>(tuple.size()), CutByEvent{{in}, tuple, n_events, first});
  return {first};
}

struct GatherIndex {
  Span<const Index> from, rows;
  Span<Index> to;
  HELIX_HD void operator()(Index k) const { to[k] = from[rows[k]]; }
};
struct GatherScore {
  Span<const float> from;
  Span<const Index> rows;
  Span<float> to;
  HELIX_HD void operator()(Index k) const { to[k] = from[rows[k]]; }
};

Span<const Index> gather(Exec& exec, Span<const Index> from, Span<const Index> rows) {
  auto to = exec.scratch<Index>(static_cast<Index>(rows.size()));
  for_each(exec, static_cast<Index>(rows.size()), GatherIndex{from, rows, to});
  return to;
}
Span<const float> gather(Exec& exec, Span<const float> from, Span<const Index> rows) {
  auto to = exec.scratch<float>(static_cast<Index>(rows.size()));
  for_each(exec, static_cast<Index>(rows.size()), GatherScore{from, rows, to});
  return to;
}

struct ZKeys {
  EventOf event_of;
  Span<const Index> tuple;
  Span<std::uint64_t> key;
  Span<Index> value;
  HELIX_HD void operator()(Index k) const {
    key[k] = (static_cast<std::uint64_t>(event_of(tuple[k])) << 32) | ordered(event_of.in.fit[tuple[k]].dz);
    value[k] = tuple[k];
  }
};

struct VertexColumns {
  Candidates in;
  Span<const Index> tuple;
  Span<float> z, var_z, pt2;
  HELIX_HD void operator()(Index k) const {
    const TrackFit& f = in.fit[tuple[k]];
    z[k] = f.dz;
    var_z[k] = f.line[2];
    pt2[k] = smaller(1.f / larger(f.q_over_pt * f.q_over_pt, 1e-6f), 1e4f);
  }
};

int bits_of(Index n) {
  int bits = 0;
  for (; n != 0; n >>= 1) ++bits;
  return bits;
}

/// Vertices of the given n-tuplets.
VertexTable vertices_of(Exec& exec, const Candidates& in, Span<const Index> tuple, Index n_events,
                        const VertexConfig& config) {
  const auto n = static_cast<Index>(tuple.size());
  auto key = exec.scratch<std::uint64_t>(n);
  auto sorted = exec.scratch<Index>(n);
  for_each(exec, n, ZKeys{{in}, tuple, key, sorted});
  sort_by_key(exec, key, sorted, 32 + bits_of(n_events));
  const VertexColumns columns{in, sorted, exec.scratch<float>(n), exec.scratch<float>(n), exec.scratch<float>(n)};
  for_each(exec, n, columns);
  const Offsets events = cut_by_event(exec, in, sorted, n_events);
  return find_vertices(exec, {events, columns.z, columns.var_z, columns.pt2}, config);
}

struct MeasureVertexDistance {
  Candidates in;
  Span<const Index> tuple;
  VertexTable vertices;
  HELIX_HD void operator()(Index k) const {
    const Index t = tuple[k], event = EventOf{in}(t);
    const TrackFit& f = in.fit[t];
    constexpr Index kBlock = 8;  // distances side by side; what is read behind the last vertex is not used
    const float dz = f.dz, var = f.line[2];
    const float *z = vertices.z.begin(), *var_z = vertices.var_z.begin();
    const Index end = vertices.events.end(event);
    float nearest[kBlock];
    for (float& least : nearest) least = 1e4f;
    for (Index block = vertices.events.begin(event); block < end; block += kBlock)
      for (Index k = 0; k < kBlock; ++k) {
        const Index v = block + k;
        const float d = dz - z[v], distance = d * d / (var + var_z[v]);
        nearest[k] = v < end && distance < nearest[k] ? distance : nearest[k];
      }
    float least = nearest[0];
    for (const float other : nearest) least = smaller(least, other);
    in.features[t].value[kVertex] = 0.5f * std::log(least + 1e-3f);
  }
};

struct AssignVertex {
  Candidates in;
  Span<const Index> tuple;
  VertexTable vertices;
  float n_sigma;
  Span<Index> vertex;
  HELIX_HD void operator()(Index k) const {
    const TrackFit& f = in.fit[tuple[k]];
    vertex[k] = nearest_vertex(vertices, EventOf{in}(tuple[k]), f.dz, f.line[2], n_sigma);
  }
};

struct Above {
  Span<const float> score;
  float least;
  HELIX_HD bool operator()(Index k) const { return score[k] >= least; }
};
struct Accepted {
  Ntuplets tuples;
  Span<const Index> tuple;
  Span<const std::int32_t> state;
  Span<const float> score;
  float least, least_of_more;  // on three layers, on more
  HELIX_HD bool operator()(Index k) const {
    return state[k] == kAccepted && score[k] >= (tuples.rows.size(tuple[k]) > 3 ? least_of_more : least);
  }
};
struct Good {
  Candidates in;
  Span<const Index> tuple;
  Span<const float> score;
  float least, max_var_z, max_dxy_pull;
  HELIX_HD bool operator()(Index k) const {
    const TrackFit& f = in.fit[tuple[k]];
    return score[k] >= least && f.line[2] <= max_var_z && f.dxy * f.dxy <= max_dxy_pull * max_dxy_pull * f.circle[3];
  }
};

}  // namespace

Selection select_tracks(Exec& exec, Index n_events, const Candidates& in, const ScoreView& scores,
                        const SelectConfig& config, const VertexConfig& vertex_config) {
  exec.begin_stage("select");
  const float max_var_z = vertex_config.max_track_error * vertex_config.max_track_error;
  const Index n = in.tuples.n();
  auto first_score = exec.scratch<float>(n);
  for_each(exec, n, Score{in, scores, 0, {}, first_score});
  const Span<const Index> candidate = select(exec, n, Above{first_score, config.candidate_score});
  const auto n_candidates = static_cast<Index>(candidate.size());
  const Span<const float> candidate_score = gather(exec, first_score, candidate);
  const auto first_state = resolve(exec, in, candidate, candidate_score, config);
  const auto seeds = gather(
      exec, candidate,
      select(exec, n_candidates,
             Accepted{in.tuples, candidate, first_state, candidate_score, config.vertex_score, config.vertex_score}));
  const Span<const float> no_score = gather(exec, first_score, seeds);
  const auto good_seeds =
      gather(exec, seeds,
             select(exec, static_cast<Index>(seeds.size()),
                    Good{in, seeds, no_score, config.vertex_score, max_var_z, vertex_config.max_dxy_pull}));
  VertexConfig with_decays = vertex_config;  // tracks of decays are good ones: let them find theirs
  with_decays.decay_distance = 0.f;
  const VertexTable first_vertices = vertices_of(exec, in, good_seeds, n_events, with_decays);

  exec.begin_stage("select");
  for_each(exec, n_candidates, MeasureVertexDistance{in, candidate, first_vertices});
  auto second_score = exec.scratch<float>(n_candidates);
  for_each(exec, n_candidates, Score{in, scores, 1, candidate, second_score});
  const auto state = resolve(exec, in, candidate, second_score, config);
  const auto kept =
      select(exec, n_candidates,
             Accepted{in.tuples, candidate, state, second_score, config.loose_score, config.loose_score_more});
  const auto tuple = gather(exec, candidate, kept);
  const auto score = gather(exec, second_score, kept);
  const auto n_tracks = static_cast<Index>(tuple.size());
  const auto good =
      gather(exec, tuple,
             select(exec, n_tracks, Good{in, tuple, score, config.tight_score, max_var_z, vertex_config.max_dxy_pull}));
  const VertexTable vertices = vertices_of(exec, in, good, n_events, vertex_config);

  exec.begin_stage("select");
  auto vertex = exec.scratch<Index>(n_tracks);
  for_each(exec, n_tracks, AssignVertex{in, tuple, vertices, vertex_config.assign_n_sigma, vertex});
  return {tuple, score, cut_by_event(exec, in, tuple, n_events), vertices, vertex};
}

}  // namespace helix::patatrack
