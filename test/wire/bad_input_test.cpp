// Each wrong request gets its error, by name, index and value, and the daemon goes on.
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace helix;
using namespace helix::wire_test;
using grpc::StatusCode;

namespace {

struct Case {
  const char* name;
  std::function<void(v1::ReconstructRequest&)> spoil;
  StatusCode code;
  const char* message;  // all of it, or its beginning
};

const float kNaN = std::numeric_limits<float>::quiet_NaN();

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"unknown pipeline", [](auto& r) { r.set_pipeline("pattatrack"); }, StatusCode::NOT_FOUND,
       "no pipeline \"pattatrack\"; there is patatrack"},
      {"no pipeline", [](auto& r) { r.clear_pipeline(); }, StatusCode::NOT_FOUND, "no pipeline \"\""},
      {"quality", [](auto& r) { r.set_min_quality(3); }, StatusCode::INVALID_ARGUMENT,
       "min_quality is 3, largest is 2"},
      {"no hits", [](auto& r) { r.clear_hits(); }, StatusCode::INVALID_ARGUMENT, "request has no events"},
      {"offsets of no events", [](auto& r) { r.mutable_hits()->mutable_event_offsets()->Truncate(1); },
       StatusCode::INVALID_ARGUMENT, "request has no events"},
      {"unequal columns", [](auto& r) { r.mutable_hits()->add_y(1); }, StatusCode::INVALID_ARGUMENT,
       "hits.y has 4 values, hits.x has 3"},
      {"unequal optional columns", [](auto& r) { r.mutable_hits()->add_size_v(1); }, StatusCode::INVALID_ARGUMENT,
       "hits.size_v has 1 values, hits.x has 3"},
      {"one of two errors",
       [](auto& r) {
         for (int i = 0; i < 3; ++i) r.mutable_hits()->add_var_u(1);
       },
       StatusCode::INVALID_ARGUMENT, "hits.var_u and hits.var_v: one of them is missing"},
      {"NaN", [](auto& r) { r.mutable_hits()->set_z(2, kNaN); }, StatusCode::INVALID_ARGUMENT,
       "hits.z[2] is NaN (event 0)"},
      {"infinite", [](auto& r) { r.mutable_hits()->set_x(1, INFINITY); }, StatusCode::INVALID_ARGUMENT,
       "hits.x[1] is infinite (event 0)"},
      {"unknown module", [](auto& r) { r.mutable_hits()->set_module_index(1, 4000000000u); },
       StatusCode::INVALID_ARGUMENT, "hits.module_index[1] is 4000000000, the geometry generic-pixel has "},
      {"unknown triple",
       [](auto& r) {
         r.mutable_hits()->clear_module_index();
         for (int i = 0; i < 3; ++i) {
           r.mutable_hits()->add_volume_id(99);
           r.mutable_hits()->add_layer_id(2);
           r.mutable_hits()->add_module_id(1);
         }
       },
       StatusCode::INVALID_ARGUMENT, "hits.volume_id, layer_id, module_id [0] are 99, 2, 1: the geometry"},
      {"index and triple",
       [](auto& r) {
         for (int i = 0; i < 3; ++i) r.mutable_hits()->add_volume_id(8);
       },
       StatusCode::INVALID_ARGUMENT, "hits have module_index and volume_id, layer_id, module_id: send one of the two"},
      {"half a triple",
       [](auto& r) {
         r.mutable_hits()->clear_module_index();
         for (int i = 0; i < 3; ++i) r.mutable_hits()->add_volume_id(8);
       },
       StatusCode::INVALID_ARGUMENT, "hits have some of volume_id, layer_id, module_id: all three are needed"},
      {"no modules", [](auto& r) { r.mutable_hits()->clear_module_index(); }, StatusCode::INVALID_ARGUMENT,
       "hits have no modules"},
      {"offsets from 1", [](auto& r) { r.mutable_hits()->set_event_offsets(0, 1); }, StatusCode::INVALID_ARGUMENT,
       "hits.event_offsets[0] is 1, must be 0"},
      {"offsets that decrease",
       [](auto& r) {
         r.mutable_hits()->set_event_offsets(1, 4000000000u);
         r.mutable_hits()->add_event_offsets(3);
       },
       StatusCode::INVALID_ARGUMENT, "hits.event_offsets[2] is 3, less than the one before, 4000000000"},
      {"offsets that end elsewhere", [](auto& r) { r.mutable_hits()->set_event_offsets(1, 4); },
       StatusCode::INVALID_ARGUMENT, "hits.event_offsets[1] is 4, must be the number of hits, 3"},
      {"too many beam spots",
       [](auto& r) {
         r.mutable_hits()->add_beam_z(1);
         r.mutable_hits()->add_beam_z(1);
       },
       StatusCode::INVALID_ARGUMENT, "hits.beam_z has 2 values: none, 1 or one an event, 1, can be"},
      {"beam spot", [](auto& r) { r.mutable_hits()->add_beam_x(kNaN); }, StatusCode::INVALID_ARGUMENT,
       "beam_spot[0].x is NaN"},
      {"too many hits", [](auto& r) { r = request_of(std::vector<float>(9, 1)); }, StatusCode::RESOURCE_EXHAUSTED,
       "9 hits, limit 8"},
      {"too many hits of an event", [](auto& r) { r = request_of(std::vector<float>(6, 1)); },
       StatusCode::RESOURCE_EXHAUSTED, "event 0 has 6 hits, limit 5"},
      {"too many events",
       [](auto& r) {
         r.mutable_hits()->mutable_event_offsets()->Add(3), r.mutable_hits()->add_event_offsets(3),
             r.mutable_hits()->add_event_offsets(3);
       },
       StatusCode::RESOURCE_EXHAUSTED, "4 events, limit 3"},
  };
  return all;
}

void small_limits(server::Options& options) {
  options.limits.hits = {.max_events = 3, .max_hits = 8, .max_hits_per_event = 5};
  options.limits.max_message_bytes = 4096;
}

/// Sends bytes as they are.
grpc::Status send_raw(const std::shared_ptr<grpc::Channel>& channel, const std::string& bytes) {
  return call_raw(channel, "/helix.v1.Reconstruction/Reconstruct", bytes).status;
}

}  // namespace

TEST_CASE("each wrong request gets its error, and the next one its answer") {
  TestServer server(small_limits);
  for (const Case& c : cases()) {
    INFO(c.name);
    v1::ReconstructRequest request = request_of({1, 2, 3});
    c.spoil(request);
    const Reply reply = reconstruct(server.client(), request);
    CHECK(reply.status.error_code() == c.code);
    CHECK_THAT(reply.status.error_message(), Catch::StartsWith(c.message));
    CHECK(reply.pushback.empty());  // waiting would not help
    CHECK(reconstruct(server.client(), request_of({1, 2, 3})).status.ok());
  }
  CHECK(server.script.batches().size() == cases().size());  // no wrong one came as far as a lane
}

TEST_CASE("a message over the limit is refused with the limit") {
  TestServer server(small_limits);
  const Reply reply = reconstruct(server.client(), request_of(std::vector<float>(2000, 1)));
  CHECK(reply.status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK_THAT(reply.status.error_message(), Catch::Contains("4096"));
  CHECK(reconstruct(server.client(), request_of({1})).status.ok());
}

TEST_CASE("bytes that are no message are an invalid argument") {
  TestServer server;
  const grpc::Status status = send_raw(server.channel(), "\xff\xff\xff not a message");
  CHECK(status.error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK(status.error_message() == "the bytes are no helix.v1.ReconstructRequest");
  CHECK(send_raw(server.channel(), "").error_code() == StatusCode::NOT_FOUND);  // an empty message: no pipeline
  CHECK(reconstruct(server.client(), request_of({1})).status.ok());
}

TEST_CASE("compression is refused by name") {
  TestServer server;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::ReconstructResponse answer;
  const grpc::Status status = server.client().Reconstruct(&context, request_of(std::vector<float>(1000, 1)), &answer);
  CHECK(status.error_code() == StatusCode::UNIMPLEMENTED);
  CHECK_THAT(status.error_message(), Catch::Contains("gzip"));
  CHECK(reconstruct(server.client(), request_of({1})).status.ok());
}

TEST_CASE("a method that is not there is unimplemented") {
  TestServer server;
  const grpc::Status status = call_raw(server.channel(), "/helix.v1.Reconstruction/Deconstruct", "").status;
  CHECK(status.error_code() == StatusCode::UNIMPLEMENTED);
}
