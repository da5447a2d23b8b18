#include "clients/cpp/messages.h"

#include <catch2/catch.hpp>

using namespace helix;

namespace {

/// One event of two tracks, three hits each, and one vertex.
v1::ReconstructResponse answer() {
  v1::ReconstructResponse a;
  a.set_request_id("r1");
  auto* t = a.mutable_tracks();
  for (int o : {0, 2}) t->add_event_offsets(o);
  for (int o : {0, 3, 6}) t->add_hit_offsets(o);
  for (int h : {0, 2, 4, 1, 3, 5}) t->add_hit(h);
  for (int i = 0; i < 2; ++i) {
    t->add_phi(0.5f + static_cast<float>(i));
    t->add_dxy(0.25f);
    t->add_q_over_pt(-0.5f);
    t->add_cot_theta(2);
    t->add_dz(3);
    for (int c = 0; c < kCovarianceSize; ++c) t->add_covariance(static_cast<float>(100 * i + c));
    t->add_chi2(1.5f);
    t->add_ndof(2);
    t->add_quality(2);
    t->add_score(4);
    t->add_vertex(i == 0 ? 0 : -1);
  }
  auto* v = a.mutable_vertices();
  for (int o : {0, 1}) v->add_event_offsets(o);
  v->add_x(1), v->add_y(2), v->add_z(3), v->add_var_z(4), v->add_n_tracks(5), v->add_sum_pt2(6), v->add_chi2(7);
  a.add_counters()->set_hits(6);
  a.mutable_time()->set_queue(1000);
  a.mutable_provenance()->set_device("CPU, 2 threads");
  return a;
}

HitColumns six_hits() {
  static const std::vector<float> x(6);
  HitColumns hits;
  hits.x = x;
  return hits;
}

}  // namespace

TEST_CASE("hits travel as they are", "[client]") {
  const std::vector<float> x{1, 2}, y{3, 4}, z{5, 6}, size_u{7, 8};
  const std::vector<std::uint32_t> module{9, 10}, offsets{0, 0, 2};
  const std::vector<BeamSpot> beam{{1, 2, 3}, {4, 5, 6}};
  ReconstructCall call;
  call.request_id = "id";
  call.hits.x = x, call.hits.y = y, call.hits.z = z, call.hits.module_index = module, call.hits.size_u = size_u;
  call.hits.event_offsets = offsets;
  call.hits.beam_spot = beam;
  call.min_quality = 1;
  const v1::ReconstructRequest r = encode(call);
  CHECK(r.pipeline() == "patatrack");
  CHECK(r.request_id() == "id");
  CHECK(r.min_quality() == 1);
  CHECK(r.hits().event_offsets_size() == 3);
  CHECK(r.hits().event_offsets(2) == 2);
  CHECK(r.hits().z(1) == 6);
  CHECK(r.hits().module_index(0) == 9);
  CHECK(r.hits().size_u(1) == 8);
  CHECK(r.hits().var_u_size() == 0);
  CHECK(r.hits().beam_z(1) == 6);
  CHECK_FALSE(encode(ReconstructCall()).has_min_quality());
}

TEST_CASE("an answer becomes tracks and vertices", "[client]") {
  const auto r = decode(answer(), six_hits());
  REQUIRE(r.ok());
  CHECK(r->request_id == "r1");
  CHECK(r->tracks.n_tracks() == 2);
  CHECK(r->tracks.hit == std::vector<Index>{0, 2, 4, 1, 3, 5});
  CHECK(r->tracks.phi[1] == 1.5f);
  CHECK(r->tracks.covariance[1][14] == 114);
  CHECK(r->tracks.vertex == std::vector<Index>{0, -1});
  CHECK(r->vertices.sum_pt2[0] == 6);
  CHECK(r->counters[0].hits == 6);
  CHECK(r->time.queue == std::chrono::microseconds(1));
  CHECK(r->provenance.device == "CPU, 2 threads");
}

TEST_CASE("an answer whose columns don't fit together is an error that names the column", "[client]") {
  const auto failure = [](auto change) {
    v1::ReconstructResponse a = answer();
    change(a);
    const auto r = decode(a, six_hits());
    REQUIRE_FALSE(r.ok());
    CHECK(r.status().code() == Code::internal);
    return r.status().message();
  };
  using Answer = v1::ReconstructResponse;
  CHECK_THAT(failure([](Answer& a) { a.mutable_tracks()->add_dz(1); }), Catch::Contains("tracks.dz has 3 values"));
  CHECK_THAT(failure([](Answer& a) { a.mutable_tracks()->add_covariance(1); }), Catch::Contains("tracks.covariance"));
  CHECK_THAT(failure([](Answer& a) { a.mutable_tracks()->set_hit_offsets(1, 7); }), Catch::Contains("hit_offsets"));
  CHECK_THAT(failure([](Answer& a) { a.mutable_tracks()->clear_event_offsets(); }), Catch::Contains("event_offsets"));
  CHECK_THAT(failure([](Answer& a) { a.mutable_vertices()->clear_chi2(); }), Catch::Contains("vertices.chi2"));
  CHECK_THAT(failure([](Answer& a) { a.mutable_vertices()->add_event_offsets(1); }),
             Catch::Contains("vertices.event_offsets has 3 values, expected 2"));
  CHECK_THAT(failure([](Answer& a) { a.mutable_tracks()->set_hit(2, 6); }), Catch::Contains("tracks.hit[2] is 6"));
  CHECK_THAT(failure([](Answer& a) { a.mutable_tracks()->set_vertex(1, 1); }),
             Catch::Contains("tracks.vertex[1] is 1"));
  CHECK_THAT(failure([](Answer& a) { a.mutable_tracks()->set_vertex(0, -2); }), Catch::Contains("tracks.vertex[0]"));
}
