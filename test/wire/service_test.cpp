// What a well-meant client sees: answers, descriptions, health, reflection.
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>
#include <google/protobuf/descriptor.h>

#include <thread>

using namespace helix;
using namespace helix::wire_test;
using grpc::StatusCode;
namespace health = grpc::health::v1;

namespace {

health::HealthCheckRequest of(const std::string& service) {
  health::HealthCheckRequest request;
  request.set_service(service);
  return request;
}

grpc::Status check(TestServer& server, const std::string& service, health::HealthCheckResponse& answer) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  return server.health().Check(&context, of(service), &answer);
}

}  // namespace

TEST_CASE("an answer has each event's tracks and vertices, counters, provenance and times") {
  TestServer server;
  v1::ReconstructRequest request = request_of({1, 2, 4, 8});
  request.set_request_id("seven");
  auto& hits = *request.mutable_hits();
  hits.clear_event_offsets();
  for (const unsigned at : {0u, 3u, 3u, 4u}) hits.add_event_offsets(at);
  for (const float z : {10.f, 20.f, 30.f}) hits.add_beam_z(z);
  const Reply reply = reconstruct(server.client(), request);
  REQUIRE(reply.status.ok());
  const v1::ReconstructResponse& answer = reply.answer;
  CHECK(answer.request_id() == "seven");
  const v1::Tracks& tracks = answer.tracks();
  CHECK(std::vector<unsigned>(tracks.event_offsets().begin(), tracks.event_offsets().end()) ==
        std::vector<unsigned>{0, 1, 2, 3});
  CHECK(std::vector<unsigned>(tracks.hit_offsets().begin(), tracks.hit_offsets().end()) ==
        std::vector<unsigned>{0, 3, 3, 4});
  CHECK(std::vector<unsigned>(tracks.hit().begin(), tracks.hit().end()) == std::vector<unsigned>{0, 1, 2, 0});
  CHECK(std::vector<float>(tracks.chi2().begin(), tracks.chi2().end()) == std::vector<float>{7, 0, 8});
  CHECK(std::vector<float>(tracks.dz().begin(), tracks.dz().end()) == std::vector<float>{10, 20, 30});
  CHECK(tracks.covariance_size() == 3 * kCovarianceSize);
  CHECK(answer.vertices().event_offsets(3) == 3);
  CHECK(answer.vertices().z(2) == 30);
  REQUIRE(answer.counters_size() == 3);
  CHECK(answer.counters(0).hits() == 3);
  CHECK(answer.provenance().backend() == "fake");
  CHECK(answer.provenance().geometry() == "generic-pixel");
  CHECK(answer.provenance().geometry_digest().size() == 64);
  CHECK(answer.provenance().settings_digest().size() == 64);
  CHECK(answer.provenance().version() == HELIX_VERSION);
  CHECK(answer.time().compute() == 7);
  CHECK(answer.time().batch_events() == 3);
  REQUIRE(answer.time().stages_size() == 1);
  CHECK(answer.time().stages(0).stage() == "fake");
}

TEST_CASE("tracks below the wanted quality are not sent") {
  TestServer server;
  v1::ReconstructRequest request = request_of({1, 2});
  request.set_min_quality(static_cast<std::uint32_t>(Quality::tight));
  const Reply reply = reconstruct(server.client(), request);
  REQUIRE(reply.status.ok());
  CHECK(reply.answer.tracks().phi_size() == 0);
  CHECK(reply.answer.tracks().event_offsets_size() == 2);
  CHECK(reply.answer.tracks().hit_offsets_size() == 1);
  CHECK(reply.answer.vertices().z_size() == 1);
}

TEST_CASE("events without offsets are one event, the beam spot is the request's, else the setting") {
  TestServer server([](server::Options& options) { options.beam_spot = {.x = 0.1f, .y = 0.2f, .z = 3}; });
  v1::ReconstructRequest request = request_of({1, 2});
  request.mutable_hits()->clear_event_offsets();
  request.mutable_hits()->add_beam_x(0.5f);
  const Reply reply = reconstruct(server.client(), request);
  REQUIRE(reply.status.ok());
  CHECK(reply.answer.tracks().chi2(0) == 3);
  CHECK(reply.answer.vertices().x(0) == 0.5f);
  CHECK(reply.answer.vertices().y(0) == 0.2f);
  CHECK(reply.answer.vertices().z(0) == 3);
}

TEST_CASE("an event without hits, and modules by their three numbers, are ordinary") {
  TestServer server;
  CHECK(reconstruct(server.client(), request_of({})).answer.tracks().phi_size() == 1);
  const std::uint64_t key = test_detector()->module_rows.begin()->first;
  v1::ReconstructRequest request = request_of({5});
  auto& hits = *request.mutable_hits();
  hits.clear_module_index();
  hits.add_volume_id(static_cast<std::uint32_t>(key >> 48));
  hits.add_layer_id(static_cast<std::uint32_t>(key >> 32 & 0xffff));
  hits.add_module_id(static_cast<std::uint32_t>(key));
  const Reply reply = reconstruct(server.client(), request);
  REQUIRE(reply.status.ok());
  CHECK(reply.answer.tracks().chi2(0) == 5);
}

TEST_CASE("echo answers one track an event, of all its hits, and needs no modules") {
  TestServer server;
  v1::ReconstructRequest request = request_of({1, 2, 4, 8});
  request.set_pipeline("echo");
  auto& hits = *request.mutable_hits();
  hits.clear_event_offsets();
  hits.clear_module_index();
  for (const unsigned at : {0u, 3u, 3u, 4u}) hits.add_event_offsets(at);
  const Reply reply = reconstruct(server.client(), request);
  REQUIRE(reply.status.error_message() == "");
  const v1::Tracks& tracks = reply.answer.tracks();
  CHECK(std::vector<unsigned>(tracks.event_offsets().begin(), tracks.event_offsets().end()) ==
        std::vector<unsigned>{0, 1, 1, 2});
  CHECK(std::vector<unsigned>(tracks.hit().begin(), tracks.hit().end()) == std::vector<unsigned>{0, 1, 2, 0});
  CHECK(reply.answer.vertices().z_size() == 0);
  CHECK(reply.answer.provenance().pipeline() == "echo");
}

TEST_CASE("pipelines are listed and described") {
  TestServer server;
  grpc::ClientContext list_context, describe_context, unknown_context;
  v1::ListPipelinesResponse list;
  REQUIRE(server.client().ListPipelines(&list_context, {}, &list).ok());
  CHECK(std::vector<std::string>(list.pipelines().begin(), list.pipelines().end()) ==
        std::vector<std::string>{"patatrack", "echo"});

  v1::DescribePipelineRequest request;
  v1::DescribePipelineResponse answer;
  request.set_pipeline("patatrack");
  REQUIRE(server.client().DescribePipeline(&describe_context, request, &answer).ok());
  CHECK(answer.geometry() == "generic-pixel");
  CHECK(answer.modules() > 0);
  CHECK(answer.layers() > 0);
  CHECK(answer.limits().max_events() == 1024);
  CHECK(answer.limits().max_message_bytes() == 256 << 20);
  CHECK(answer.backend() == "fake");
  REQUIRE(answer.devices_size() == 1);
  CHECK(answer.devices(0) == "fake device");
  bool found = false;
  for (const v1::Parameter& parameter : answer.parameters())
    if (parameter.stage() == "doublets" && parameter.name() == "min_pt") found = parameter.unit() == "GeV";
  CHECK(found);

  request.set_pipeline("exatrkx");
  CHECK(server.client().DescribePipeline(&unknown_context, request, &answer).error_code() == StatusCode::NOT_FOUND);
}

TEST_CASE("health is known for the server, its pipelines and services") {
  TestServer server;
  health::HealthCheckResponse answer;
  for (const char* service : {"", "patatrack", "echo", "helix.v1.Reconstruction"}) {
    REQUIRE(check(server, service, answer).ok());
    CHECK(answer.status() == health::HealthCheckResponse::SERVING);
  }
  CHECK(check(server, "exatrkx", answer).error_code() == StatusCode::NOT_FOUND);
}

TEST_CASE("a pipeline without a device is NOT_SERVING, others serve, and the server too while one reconstructs") {
  TestServer server;
  CHECK(reconstruct(server.client(), request_of({EngineScript::kLosing})).status.error_code() ==
        StatusCode::UNAVAILABLE);
  const auto health = [&](const char* service) {
    health::HealthCheckResponse answer;
    REQUIRE(check(server, service, answer).ok());
    return answer.status();
  };
  CHECK(eventually([&] { return health("patatrack") == health::HealthCheckResponse::NOT_SERVING; }));
  for (const char* service : {"", "helix.v1.Reconstruction"})
    CHECK(health(service) == health::HealthCheckResponse::NOT_SERVING);
  for (const char* service : {"echo", "helix.v1.Admin"}) CHECK(health(service) == health::HealthCheckResponse::SERVING);
  v1::ReconstructRequest echo = request_of({1});
  echo.set_pipeline("echo");
  CHECK(reconstruct(server.client(), echo).status.ok());
  REQUIRE(server.reload().ok());
  for (const char* service : {"", "patatrack", "echo", "helix.v1.Reconstruction", "helix.v1.Admin"})
    CHECK(health(service) == health::HealthCheckResponse::SERVING);
  CHECK(reconstruct(server.client(), request_of({1})).status.ok());
}

TEST_CASE("those who watch health see it change, and the stream ends with the server") {
  auto server = std::make_unique<TestServer>();
  grpc::ClientContext context, unknown_context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  unknown_context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  const auto watch = server->health().Watch(&context, of("patatrack"));
  const auto unknown = server->health().Watch(&unknown_context, of("exatrkx"));
  health::HealthCheckResponse answer;
  REQUIRE(watch->Read(&answer));
  CHECK(answer.status() == health::HealthCheckResponse::SERVING);
  REQUIRE(unknown->Read(&answer));
  CHECK(answer.status() == health::HealthCheckResponse::SERVICE_UNKNOWN);
  CHECK(server->app().drain());
  REQUIRE(watch->Read(&answer));
  CHECK(answer.status() == health::HealthCheckResponse::NOT_SERVING);
  server.reset();
  CHECK_FALSE(watch->Read(&answer));
  CHECK_FALSE(unknown->Read(&answer));
  CHECK(watch->Finish().error_code() == StatusCode::UNAVAILABLE);
  CHECK(unknown->Finish().error_code() == StatusCode::UNAVAILABLE);
}

TEST_CASE("a watch that its client leaves does not disturb the others") {
  TestServer server;
  health::HealthCheckResponse answer;
  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext context;
    const auto watch = server.health().Watch(&context, of(""));
    REQUIRE(watch->Read(&answer));
    context.TryCancel();
    CHECK(watch->Finish().error_code() == StatusCode::CANCELLED);
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  const auto stays = server.health().Watch(&context, of(""));
  REQUIRE(stays->Read(&answer));
  CHECK(answer.status() == health::HealthCheckResponse::SERVING);
  server.app().drain();
  REQUIRE(stays->Read(&answer));
  CHECK(answer.status() == health::HealthCheckResponse::NOT_SERVING);
}
