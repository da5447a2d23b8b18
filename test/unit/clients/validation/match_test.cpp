#include "clients/validation/match.h"

#include "clients/validation/vertex_match.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace helix::validation;

namespace {

/// Hits 1 .. n; `particle` of each, -1 for noise.
TruthEvent event_of(const std::vector<std::int32_t>& particle) {
  TruthEvent event;
  const std::int32_t n_particles = *std::max_element(particle.begin(), particle.end()) + 1;
  for (std::int32_t i = 0; i < n_particles; ++i) event.particles.id.push_back(100 + i);
  event.n_hits.assign(n_particles, 0);
  for (std::size_t i = 0; i < particle.size(); ++i) {
    event.hit_id.push_back(static_cast<std::int64_t>(i) + 1);
    event.hit_particle.push_back(particle[i]);
    event.hit_weight.push_back(particle[i] < 0 ? 0 : 1);
    if (particle[i] >= 0) ++event.n_hits[particle[i]];
  }
  return event;
}

RecoTracks tracks_of(const std::vector<std::vector<std::int64_t>>& rows) {
  RecoTracks tracks;
  for (const auto& row : rows) {
    tracks.hit_id.insert(tracks.hit_id.end(), row.begin(), row.end());
    tracks.hit_offsets.push_back(tracks.hit_id.size());
  }
  return tracks;
}

}  // namespace

TEST_CASE("a track is matched with more than 75 % of 3 hits or more", "[validation]") {
  const TruthEvent event = event_of({0, 0, 0, 0, 0, 1, 1, 1, -1, -1});
  const Matches m =
      match(event, tracks_of({{1, 2, 3, 9}, {1, 2, 3, 4, 9}, {6, 7, 8}, {6, 7}, {9, 10, 9}, {1, 2, 3, 77}}));
  CHECK(m.matched == std::vector<char>{0, 1, 1, 0, 0, 0});
  CHECK(m.best == std::vector<std::int32_t>{0, 0, 1, 1, -1, 0});
  CHECK(m.length == std::vector<std::int64_t>{4, 5, 3, 2, 2, 4});
  CHECK(m.unknown_hits == 1);
  CHECK(m.repeated_hits == 1);
}

TEST_CASE("of a particle's tracks the one with most of its hits counts, then the shortest, then the first",
          "[validation]") {
  const TruthEvent event = event_of({0, 0, 0, 0, 0, -1, 1, 1, 1});
  CHECK(match(event, tracks_of({{1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}})).duplicate == std::vector<char>{1, 0, 1});
  CHECK(match(event, tracks_of({{1, 2, 3, 4, 6}, {2, 3, 4, 5}})).duplicate == std::vector<char>{1, 0});
  CHECK(match(event, tracks_of({{1, 2, 3}, {7, 8, 9}, {1, 5, 6}})).duplicate == std::vector<char>{0, 0, 0});
}

TEST_CASE("the TrackML score wants a majority both ways, and counts a hit once", "[validation]") {
  const TruthEvent event = event_of({0, 0, 0, 0, 1, 1, 1, 1});
  CHECK(match(event, tracks_of({{1, 2, 3}})).trackml == Approx(3.0 / 8));
  CHECK(match(event, tracks_of({{1, 2}})).trackml == 0);              // half of the particle is no majority
  CHECK(match(event, tracks_of({{1, 2, 3, 5, 6, 7}})).trackml == 0);  // half of the track neither
  CHECK(match(event, tracks_of({{1, 2, 3}, {1, 2, 3, 4}})).trackml == Approx(0.5));
}

namespace {

/// Interactions at z, each with four particles at its place; all in acceptance but the last.
struct Interactions {
  TruthEvent event;
  TrueParameters truth;

  explicit Interactions(const std::vector<double>& z) {
    event.vertices.emplace();
    for (std::size_t v = 0; v < z.size(); ++v) {
      event.vertices->id.push_back(static_cast<std::int64_t>(v) + 1);
      event.vertices->x.push_back(0);
      event.vertices->y.push_back(0);
      event.vertices->z.push_back(z[v]);
      event.vertices->is_signal.push_back(v == 0);
      for (int i = 0; i < (v + 1 == z.size() ? 3 : 4); ++i) add_particle(v);
    }
  }
  void add_particle(std::size_t vertex) {
    Particles& p = event.particles;
    p.id.push_back(static_cast<std::int64_t>(p.size()));
    for (auto* column : {&p.vx, &p.vy, &p.vz, &p.px, &p.py, &p.pz}) column->push_back(0);
    p.q.push_back(1);
    p.vertex_id.push_back(static_cast<std::int64_t>(vertex) + 1);
    event.n_layers.push_back(4);
    truth.pt.push_back(1);
    truth.eta.push_back(0);
  }
  VertexMatches match(const RecoVertices& reco) const {
    const auto m = match_vertices(event, truth, Cuts(), reco, RecoTracks(), Matches());
    REQUIRE(m);
    return *m;
  }
};

}  // namespace

TEST_CASE("vertices: found, merged, split and fake", "[validation]") {
  const Interactions three({0, 0.15, 20, 40});  // the last has three particles only
  // One vertex for the first two (merged), two at the third (split), one at the last, one nowhere.
  const RecoVertices reco{
      {0.01, 20.05, 19.9, 40, 60}, std::vector<double>(5, 0.0004), {1, 9, 2, 3, 4}, {1, 2, 3, 4, 5}};
  const VertexMatches m = three.match(reco);
  CHECK(m.accepted == 3);
  CHECK(m.found == 2);
  CHECK(m.merged == 1);
  CHECK(m.split == 1);
  CHECK(m.fake == 1);
  CHECK(m.reco == 5);
  CHECK(m.signal_found == 1);
  CHECK(m.first_known == 1);
  CHECK(m.first_is_signal == 0);  // the largest sum_pt2 is at 20 mm
  REQUIRE(m.dz.size() == 2);
  CHECK(m.dz[0] == Approx(0.01));
  CHECK(m.pull[1] == Approx(0.05 / 0.02));
}

TEST_CASE("vertices: interactions in acceptance are paired before nearer ones that are not", "[validation]") {
  const Interactions two({0, 0.1});
  const VertexMatches m = two.match({{0.09}, {0.0004}, {1}, {1}});
  CHECK(m.found == 1);
  CHECK(m.fake == 0);
}

TEST_CASE("vertices: none reconstructed", "[validation]") {
  const VertexMatches m = Interactions({0, 10}).match(RecoVertices());
  CHECK(m.accepted == 1);
  CHECK(m.found == 0);
  CHECK(m.first_known == 1);
  CHECK(m.first_is_signal == 0);
}
