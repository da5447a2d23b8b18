// Vertices from made-up tracks. One text for both backends.
#include "kernels/patatrack/vertices.h"

#include "test/support/test_device.h"
#include "test/twins/vertices.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>

namespace helix::patatrack {
namespace {

using test::TestDevice;

struct ToyTracks {
  std::vector<Index> events{0};
  std::vector<float> z, var_z, pt2;

  void add_event(std::vector<twins::VertexTrack> tracks) {
    std::sort(tracks.begin(), tracks.end(), [](const auto& a, const auto& b) { return a.z < b.z; });
    for (const auto& track : tracks) z.push_back(track.z), var_z.push_back(track.var_z), pt2.push_back(track.pt2);
    events.push_back(static_cast<Index>(z.size()));
  }
  std::vector<twins::VertexTrack> event(std::size_t e) const {
    std::vector<twins::VertexTrack> tracks;
    for (auto i = static_cast<std::size_t>(events[e]); i < static_cast<std::size_t>(events[e + 1]); ++i)
      tracks.push_back({z[i], var_z[i], pt2[i]});
    return tracks;
  }
};

struct Table {
  std::vector<Index> events, n_tracks;
  std::vector<float> z, var_z, sum_pt2, chi2;
};

Table find(const ToyTracks& tracks, const VertexConfig& config) {
  TestDevice device;
  const VertexTracks in{
      {device.upload(tracks.events)}, device.upload(tracks.z), device.upload(tracks.var_z), device.upload(tracks.pt2)};
  const VertexTable out = find_vertices(device.exec(), in, config);
  return {device.download(out.events), device.download(out.n_tracks), device.download(out.z),
          device.download(out.var_z),  device.download(out.sum_pt2),  device.download(out.chi2)};
}

/// Vertices further apart than their tracks scatter; tracks at most 1.7 errors from theirs, and some alone.
std::vector<twins::VertexTrack> separated(int n_vertices, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(0.f, 1.f);
  std::normal_distribution<float> gauss;
  std::vector<twins::VertexTrack> tracks;
  for (int v = 0; v < n_vertices; ++v) {
    const float z = -100.f + 6.f * static_cast<float>(v) + uniform(random);
    const int n = v % 5 == 4 ? 1 : 2 + static_cast<int>(random() % 30);
    for (int t = 0; t < n; ++t) {
      const float sigma = 0.02f + 0.15f * uniform(random);
      float pull = gauss(random);
      while (std::fabs(pull) > 1.7f) pull = gauss(random);
      tracks.push_back({z + pull * sigma, sigma * sigma, std::exp(4.f * uniform(random))});
    }
  }
  return tracks;
}

TEST_CASE("Separated vertices are those of the twin: members, weighted means, chi2, order") {
  const unsigned seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  ToyTracks tracks;
  tracks.add_event({});
  tracks.add_event(separated(30, seed));
  tracks.add_event({{1.f, 0.01f, 2.f}});
  tracks.add_event(separated(7, seed + 100));
  tracks.add_event({});
  VertexConfig config;
  config.decay_distance = 0.f;
  const Table found = find(tracks, config);
  REQUIRE(found.events.size() == 6);
  for (std::size_t e = 0; e < 5; ++e) {
    INFO("event " << e);
    const auto expected = twins::cluster_by_gaps(tracks.event(e), 2.f, config);
    const auto begin = static_cast<std::size_t>(found.events[e]);
    REQUIRE(static_cast<std::size_t>(found.events[e + 1]) - begin == expected.size());
    for (std::size_t v = 0; v < expected.size(); ++v) {
      CHECK(found.n_tracks[begin + v] == expected[v].n_tracks);
      CHECK(found.z[begin + v] == Approx(expected[v].z).margin(2e-5));
      const float scale = std::max(1.f, found.chi2[begin + v] / static_cast<float>(found.n_tracks[begin + v] - 1));
      CHECK(found.var_z[begin + v] == Approx(expected[v].var_z * scale).epsilon(1e-4));
      CHECK(found.sum_pt2[begin + v] == Approx(expected[v].sum_pt2).epsilon(1e-4));
      CHECK(found.chi2[begin + v] == Approx(expected[v].chi2).epsilon(1e-2).margin(1e-2));
    }
  }
}

TEST_CASE("Two near vertices with many good tracks are split") {
  std::vector<twins::VertexTrack> near;
  for (int t = 0; t < 20; ++t) {
    const float off = 0.01f * static_cast<float>(t % 5 - 2);
    near.push_back({off, 4e-4f, 1.f});
    near.push_back({0.25f + off, 4e-4f, 2.f});
  }
  ToyTracks tracks;
  tracks.add_event(near);
  VertexConfig config;
  config.decay_distance = 0.f;
  const Table found = find(tracks, config);
  REQUIRE(found.z.size() == 2);
  CHECK(found.z[0] == Approx(0.25f).margin(1e-3));
  CHECK(found.z[1] == Approx(0.f).margin(1e-3));
  CHECK(found.n_tracks == std::vector<Index>{20, 20});
}

/// Tracks of vertices at these z, the more of them the earlier.
std::vector<twins::VertexTrack> tracks_at(const std::vector<float>& vertices) {
  std::vector<twins::VertexTrack> tracks;
  for (std::size_t v = 0; v < vertices.size(); ++v)
    for (std::size_t t = 0; t < 2 + vertices.size() - v; ++t) tracks.push_back({vertices[v], 4e-4f, 1.f});
  return tracks;
}

TEST_CASE("Where interactions are few, a vertex near a harder one is its decay and left out") {
  ToyTracks tracks;
  tracks.add_event(tracks_at({0.f, 2.f, -4.f}));        // two decays
  tracks.add_event(tracks_at({0.f, 40.f, 2.f}));        // one more interaction
  tracks.add_event(tracks_at({0.f, 40.f, 80.f, 2.f}));  // so many that chance brings two together
  tracks.add_event(tracks_at({0.f, 7.f}));              // too far from each other
  const Table found = find(tracks, {});
  CHECK(found.events == std::vector<Index>{0, 1, 3, 7, 9});
  CHECK(found.z[0] == Approx(0.f).margin(1e-4));
  CHECK(found.n_tracks[0] == 5);
  VertexConfig all;
  all.decay_distance = 0.f;
  CHECK(find(tracks, all).events == std::vector<Index>{0, 3, 6, 10, 12});
}

TEST_CASE("A track takes the vertex that it fits best, or none") {
  const std::vector<Index> events{0, 2};
  const std::vector<float> z{0.f, 1.f}, var{1e-4f, 1e-4f}, zero{0.f, 0.f};
  const std::vector<Index> n{2, 2};
  const VertexTable table{{events}, z, var, zero, zero, n};
  CHECK(nearest_vertex(table, 0, 0.1f, 0.01f, 5.f) == 0);
  CHECK(nearest_vertex(table, 0, 0.9f, 0.01f, 5.f) == 1);
  CHECK(nearest_vertex(table, 0, 9.f, 0.01f, 5.f) == -1);
}

}  // namespace
}  // namespace helix::patatrack
