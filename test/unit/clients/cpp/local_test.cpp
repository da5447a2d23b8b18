#include "clients/cpp/local.h"

#include "clients/cpp/filter.h"
#include "clients/cpp/in_flight.h"
#include "kernels/event/trackml_csv.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace helix;

namespace {

const std::string kGeometry = HELIX_SOURCE_DIR "/config/geometry/phase1";
const std::string kEvents = HELIX_SOURCE_DIR "/test/data/validate/events/";

std::unique_ptr<LocalReconstructor> make_local() {
  LocalOptions options;
  options.geometry = kGeometry;
  auto local = LocalReconstructor::make(options);
  REQUIRE(local.ok());
  return std::move(*local);
}

EventHits hits_of(const std::string& name) {
  auto hits = read_hits(kEvents + name + "-hits.csv.gz");
  REQUIRE(hits.ok());
  return std::move(*hits);
}

ReconstructCall call_of(const EventHits& hits) {
  ReconstructCall call;
  call.hits.x = hits.x;
  call.hits.y = hits.y;
  call.hits.z = hits.z;
  call.hits.volume_id = hits.volume_id;
  call.hits.layer_id = hits.layer_id;
  call.hits.module_id = hits.module_id;
  return call;
}

bool same(const Tracks& a, const Tracks& b) {
  return a.event_offsets == b.event_offsets && a.hit_offsets == b.hit_offsets && a.hit == b.hit && a.phi == b.phi &&
         a.dxy == b.dxy && a.q_over_pt == b.q_over_pt && a.cot_theta == b.cot_theta && a.dz == b.dz &&
         a.covariance == b.covariance && a.chi2 == b.chi2 && a.ndof == b.ndof && a.score == b.score &&
         a.quality == b.quality && a.vertex == b.vertex;
}

}  // namespace

TEST_CASE("tracks and vertices without a server", "[client]") {
  const EventHits hits = hits_of("event000000000");
  ReconstructCall call = call_of(hits);
  call.request_id = "id";
  const auto answer = make_local()->reconstruct(call);
  REQUIRE(answer.ok());
  CHECK(answer->request_id == "id");
  CHECK(answer->tracks.n_tracks() > 100);
  CHECK(answer->vertices.n_vertices() > 0);
  CHECK(answer->provenance.geometry == "phase1");
  CHECK(answer->provenance.backend == "cpu");
  CHECK(answer->counters.at(0).hits == static_cast<Index>(hits.size()));
}

TEST_CASE("calls from several threads take turns and get the same answers", "[client]") {
  const EventHits hits = hits_of("event000000001");
  const auto local = make_local();
  const auto alone = local->reconstruct(call_of(hits));
  REQUIRE(alone.ok());
  std::vector<char> equal(6, 0);
  run_in_flight(3, equal.size(), [&](std::size_t i) {
    const auto answer = local->reconstruct(call_of(hits));
    equal[i] = answer.ok() && same(answer->tracks, alone->tracks);
  });
  CHECK(equal == std::vector<char>(6, 1));
}

TEST_CASE("modules by row and by TrackML's numbers are the same", "[client]") {
  const EventHits hits = hits_of("event000000001");
  const auto detector = load_detector(kGeometry);
  REQUIRE(detector.ok());
  const auto rows = find_modules(hits, *detector);
  REQUIRE(rows.ok());
  const auto local = make_local();
  ReconstructCall by_row = call_of(hits);
  by_row.hits.volume_id = by_row.hits.layer_id = by_row.hits.module_id = {};
  by_row.hits.module_index = *rows;
  const auto a = local->reconstruct(by_row), b = local->reconstruct(call_of(hits));
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  CHECK(same(a->tracks, b->tracks));
}

TEST_CASE("min_quality leaves out tracks below, and nothing else", "[client]") {
  const EventHits hits = hits_of("event000000000");
  const auto local = make_local();
  ReconstructCall call = call_of(hits);
  const auto all = local->reconstruct(call);
  call.min_quality = 2;
  const auto some = local->reconstruct(call);
  REQUIRE(all.ok());
  REQUIRE(some.ok());
  CHECK(some->tracks.n_tracks() < all->tracks.n_tracks());
  CHECK(same(some->tracks, with_quality(all->tracks, 2)));
  CHECK(same(all->tracks, with_quality(all->tracks, 0)));
  CHECK(some->vertices.z == all->vertices.z);
}

TEST_CASE("tracks are filtered with their hits, event by event", "[client]") {
  Tracks t;
  t.event_offsets = {0, 2, 2, 3};
  t.hit_offsets = {0, 2, 3, 6};
  t.hit = {1, 2, 3, 4, 5, 6};
  t.phi = t.dxy = t.q_over_pt = t.cot_theta = t.dz = t.chi2 = t.score = {1, 2, 3};
  t.covariance.resize(3);
  t.ndof = {1, 2, 3};
  t.quality = {0, 1, 2};
  t.vertex = {-1, 0, 1};
  const Tracks kept = with_quality(t, 1);
  CHECK(kept.event_offsets == std::vector<Index>{0, 1, 1, 2});
  CHECK(kept.hit_offsets == std::vector<Index>{0, 1, 4});
  CHECK(kept.hit == std::vector<Index>{3, 4, 5, 6});
  CHECK(kept.vertex == std::vector<Index>{0, 1});
}

TEST_CASE("bad hits are refused by field, index and value", "[client]") {
  const EventHits hits = hits_of("event000000001");
  const auto local = make_local();
  const auto failure = [&](const ReconstructCall& call, Code code) {
    const auto answer = local->reconstruct(call);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.status().code() == code);
    return answer.status().message();
  };
  const auto invalid = [&](auto change) {
    ReconstructCall call = call_of(hits);
    change(call);
    return failure(call, Code::invalid_argument);
  };
  CHECK_THAT(invalid([](auto& c) { c.hits.y = c.hits.y.subspan(0, 7); }), Catch::Contains("y has 7"));
  CHECK_THAT(invalid([](auto& c) { c.hits.module_id = {}; }), Catch::Contains("module"));
  std::vector<float> z = hits.z;
  z[17] = NAN;
  CHECK_THAT(invalid([&](auto& c) { c.hits.z = z; }), Catch::Contains("z[17]"));
  std::vector<std::uint32_t> module = hits.module_id;
  module[5] = 60000;
  CHECK_THAT(invalid([&](auto& c) { c.hits.module_id = module; }), Catch::Contains("[5]") && Catch::Contains("60000"));
  const auto n = static_cast<std::uint32_t>(hits.size());
  for (const std::vector<std::uint32_t>& offsets :
       std::vector<std::vector<std::uint32_t>>{{0, n, n - 3, n}, {0, n - 1}, {0, n + 1}, {1, n}, {0}, {0, 4294967295u}})
    CHECK_THAT(invalid([&](auto& c) { c.hits.event_offsets = offsets; }), Catch::Contains("event"));
  const std::vector<BeamSpot> two(2);
  CHECK_THAT(invalid([&](auto& c) { c.hits.beam_spot = two; }), Catch::Contains("beam_spot has 2"));
  ReconstructCall other = call_of(hits);
  other.pipeline = "magic";
  CHECK_THAT(failure(other, Code::not_found), Catch::Contains("magic"));
}

TEST_CASE("geometry and settings that are not there are named", "[client]") {
  LocalOptions options;
  options.geometry = "no/such/folder";
  CHECK_THAT(LocalReconstructor::make(options).status().message(), Catch::Contains("no/such/folder"));
  options.geometry = kGeometry;
  options.settings = "no/such/file.toml";
  CHECK_THAT(LocalReconstructor::make(options).status().message(), Catch::Contains("no/such/file.toml"));
}

TEST_CASE("where no server answers this process reconstructs", "[client]") {
  ClientOptions server;
  server.address = "127.0.0.1:1";
  server.connect_timeout = std::chrono::milliseconds(100);
  LocalOptions local;
  local.geometry = kGeometry;
  const auto here = connect_or_local(server, local);
  REQUIRE(here.ok());
  const EventHits hits = hits_of("event000000001");
  const auto answer = (*here)->reconstruct(call_of(hits));
  REQUIRE(answer.ok());
  CHECK(answer->provenance.backend == "cpu");
  const auto description = (*here)->describe("patatrack");
  REQUIRE(description.ok());
  CHECK(description->modules == 1856);
  CHECK_FALSE(description->parameters.empty());
}
