// Many requests over one call: completion order, errors of one, flow control, cancellation, both ends' goodbye.
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>
#include <grpcpp/generic/generic_stub.h>

#include <future>
#include <limits>
#include <map>
#include <optional>
#include <thread>

using namespace helix;
using namespace helix::wire_test;
using namespace std::chrono_literals;
using grpc::StatusCode;

namespace {

/// A stream of a test, which ends within 60 s however it goes.
class Stream {
 public:
  explicit Stream(TestServer& server) {
    context.set_deadline(std::chrono::system_clock::now() + 60s);
    call_ = server.client().ReconstructStream(&context);
  }

  bool write(int id, const std::vector<float>& x, const std::string& pipeline = "patatrack") {
    v1::ReconstructRequest request = request_of(x);
    request.set_pipeline(pipeline);
    request.set_request_id(std::to_string(id));
    return call_->Write(request);
  }
  void close() { call_->WritesDone(); }
  /// The next answer; none: the stream is over.
  std::optional<v1::ReconstructResponse> read() {
    v1::ReconstructResponse answer;
    if (!call_->Read(&answer)) return std::nullopt;
    return answer;
  }
  std::map<int, v1::ReconstructResponse> read_all() {
    std::map<int, v1::ReconstructResponse> all;
    while (auto answer = read()) {
      const int id = std::stoi(answer->request_id());
      // not CHECK: tests read on threads of their own
      if (!all.emplace(id, *std::move(answer)).second)
        throw std::logic_error("a second answer to " + std::to_string(id));
    }
    return all;
  }
  grpc::Status finish() { return call_->Finish(); }

  grpc::ClientContext context;

 private:
  std::unique_ptr<grpc::ClientReaderWriter<v1::ReconstructRequest, v1::ReconstructResponse>> call_;
};

}  // namespace

TEST_CASE("stream: each of thousands of requests gets its own answer, whatever the budget") {
  const auto [max_requests, max_in_flight, max_unsent] = GENERATE(table<int, int, int>({
      {256, 1024, 64 << 20},
      {3, 1024, 64 << 20},
      {256, 2, 64 << 20},
      {256, 1024, 1},
  }));
  TestServer server([&](server::Options& options) {
    options.queue.max_requests = max_requests;
    options.stream.max_in_flight = max_in_flight;
    options.stream.max_unsent_bytes = max_unsent;
  });
  constexpr int kRequests = 3000;
  Stream stream(server);
  auto answers = std::async(std::launch::async, [&] { return stream.read_all(); });
  for (int i = 0; i < kRequests; ++i) REQUIRE(stream.write(i, {static_cast<float>(-i), 1000}));
  stream.close();
  const auto all = answers.get();
  REQUIRE(all.size() == kRequests);
  int wrong = 0;
  for (const auto& [id, answer] : all)
    if (answer.has_error() || answer.tracks().chi2_size() != 1 || answer.tracks().chi2(0) != 1000 - id) ++wrong;
  CHECK(wrong == 0);
  CHECK(stream.finish().ok());
}

TEST_CASE("stream: answers come as they are done, not as they were asked for") {
  TestServer server;
  server.script.hold();
  Stream stream(server);
  REQUIRE(stream.write(1, {1}));
  REQUIRE(server.script.wait_for_batches(1));
  REQUIRE(stream.write(2, {1}, "echo"));
  const auto first = stream.read();
  REQUIRE(first);
  CHECK(first->request_id() == "2");
  server.script.let_go();
  stream.close();
  CHECK(stream.read()->request_id() == "1");
  CHECK_FALSE(stream.read());
  CHECK(stream.finish().ok());
}

TEST_CASE("stream: a request that fails is answered by its error, and the stream goes on") {
  TestServer server([](server::Options& options) { options.queue.max_bytes = 100 << 10; });
  Stream stream(server);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  REQUIRE(stream.write(1, {1, nan}));
  std::string name = "x";
  while (name.size() < 100) name += "\u00e9";  // would be cut within a character
  REQUIRE(stream.write(2, {1}, name));
  REQUIRE(stream.write(3, {EngineScript::kFailing}));
  REQUIRE(stream.write(4, {EngineScript::kThrowing}));
  REQUIRE(stream.write(5, std::vector<float>(20000, 1)));
  REQUIRE(stream.write(6, {7}));
  stream.close();
  const auto all = stream.read_all();
  REQUIRE(all.size() == 6);
  CHECK(all.at(1).error().code() == StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(all.at(1).error().message(), Catch::Contains("hits.x[1]"));
  CHECK(all.at(2).error().code() == StatusCode::NOT_FOUND);
  CHECK(all.at(3).error().code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK(all.at(4).error().code() == StatusCode::INTERNAL);
  CHECK(all.at(5).error().code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK_THAT(all.at(5).error().message(), Catch::StartsWith("request needs "));
  CHECK_FALSE(all.at(5).has_tracks());
  CHECK(all.at(6).tracks().chi2(0) == 7);
  CHECK(stream.finish().ok());
}

TEST_CASE("stream: bytes that are no message are answered, as far as they can be") {
  TestServer server;
  grpc::GenericStub stub(server.channel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 60s);
  grpc::CompletionQueue queue;
  const auto next = [&] {
    void* tag;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, "/helix.v1.Reconstruction/ReconstructStream", &queue);
  call->StartCall(nullptr);
  REQUIRE(next());
  const grpc::Slice junk("\xff\xff\xff");
  call->Write(grpc::ByteBuffer(&junk, 1), nullptr);
  REQUIRE(next());
  call->WritesDone(nullptr);
  REQUIRE(next());
  grpc::ByteBuffer bytes;
  call->Read(&bytes, nullptr);
  REQUIRE(next());
  v1::ReconstructResponse answer;
  REQUIRE(grpc::SerializationTraits<v1::ReconstructResponse>::Deserialize(&bytes, &answer).ok());
  CHECK(answer.error().code() == StatusCode::INVALID_ARGUMENT);
  grpc::Status status;
  call->Finish(&status, nullptr);
  next();
  CHECK(status.ok());
}

TEST_CASE("stream: reading stops at the limits, and unary calls have their places") {
  TestServer server([](server::Options& options) { options.stream.max_in_flight = 5; });
  server.script.hold();
  Stream stream(server);
  for (int i = 0; i < 20; ++i) REQUIRE(stream.write(i, {1}));
  REQUIRE(server.script.wait_for_batches(1));
  REQUIRE(eventually([&] { return pipeline_of(server).admission().requests() == 5; }));
  std::this_thread::sleep_for(50ms);  // a sixth would be here by now, mostly
  CHECK(pipeline_of(server).admission().requests() == 5);
  auto unary = std::async(std::launch::async, [&] { return reconstruct(server.client(), request_of({1}), 60s); });
  CHECK(eventually([&] { return pipeline_of(server).admission().requests() == 6; }));
  server.script.let_go();
  CHECK(unary.get().status.ok());
  stream.close();
  CHECK(stream.read_all().size() == 20);
  CHECK(stream.finish().ok());
}

TEST_CASE("stream: a full budget parks what comes next, its cancellation gives up what waits") {
  TestServer server([](server::Options& options) { options.queue.max_requests = 3; });
  server.script.hold();
  auto occupied = std::async(std::launch::async, [&] { return reconstruct(server.client(), request_of({1}), 60s); });
  REQUIRE(server.script.wait_for_batches(1));
  Stream stream(server);
  for (int i = 0; i < 10; ++i) REQUIRE(stream.write(i, {2}));
  REQUIRE(waiting(server, 2));
  SECTION("cancelled") {
    stream.context.TryCancel();
    CHECK(stream.read_all().empty());
    CHECK(stream.finish().error_code() == StatusCode::CANCELLED);
    CHECK(waiting(server, 0));
    CHECK(eventually([&] { return pipeline_of(server).admission().requests() == 1; }));
    server.script.let_go();
  }
  SECTION("room comes") {
    server.script.let_go();
    stream.close();
    CHECK(stream.read_all().size() == 10);
    CHECK(stream.finish().ok());
  }
  CHECK(occupied.get().status.ok());
  CHECK(reconstruct(server.client(), request_of({3})).status.ok());
}

TEST_CASE("stream: two streams and unary calls share a small budget, none is left behind") {
  TestServer server([](server::Options& options) { options.queue.max_requests = 2; });
  const auto run = [&](int first) {
    Stream stream(server);
    auto answers = std::async(std::launch::async, [&] { return stream.read_all().size(); });
    for (int i = 0; i < 500; ++i) stream.write(first + i, {1});
    stream.close();
    const std::size_t n = answers.get();
    return stream.finish().ok() ? n : 0;
  };
  auto a = std::async(std::launch::async, run, 0), b = std::async(std::launch::async, run, 1000);
  for (int i = 0; i < 200; ++i) {
    const auto code = reconstruct(server.client(), request_of({1})).status.error_code();
    CHECK((code == StatusCode::OK || code == StatusCode::RESOURCE_EXHAUSTED));
  }
  CHECK(a.get() == 500);
  CHECK(b.get() == 500);
}

TEST_CASE("stream: one that sends more than the server holds leaves room for others") {
  TestServer server([](server::Options& options) { options.queue.max_requests = 20; });
  server.script.hold();
  Stream stream(server);
  for (int i = 0; i < 40; ++i) REQUIRE(stream.write(i, {1}));
  stream.close();
  REQUIRE(eventually([&] { return pipeline_of(server).admission().requests() == 16; }));  // four fifths
  auto other = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 20s);
    context.AddMetadata("helix-client", "other");
    v1::ReconstructResponse answer;
    return server.client().Reconstruct(&context, request_of({2}), &answer);
  });
  CHECK(eventually([&] { return pipeline_of(server).admission().requests() == 17; }));
  server.script.let_go();
  CHECK(other.get().ok());
  CHECK(stream.read_all().size() == 40);
  CHECK(stream.finish().ok());
}

TEST_CASE("stream: draining answers what was read, then ends the stream") {
  TestServer server;
  server.script.hold();
  Stream stream(server), closed(server), idle(server);
  for (int i = 0; i < 3; ++i) REQUIRE(stream.write(i, {1}));
  REQUIRE(closed.write(7, {1}));
  closed.close();
  REQUIRE(eventually([&] { return pipeline_of(server).admission().requests() == 4; }));
  auto drained = std::async(std::launch::async, [&] { return server.app().drain(); });
  CHECK_FALSE(idle.read());
  const grpc::Status status = idle.finish();
  CHECK(status.error_code() == StatusCode::UNAVAILABLE);
  CHECK(status.error_message() == "server is draining: go elsewhere");
  server.script.let_go();
  CHECK(stream.read_all().size() == 3);
  CHECK(stream.finish().error_code() == StatusCode::UNAVAILABLE);
  CHECK(closed.read_all().size() == 1);
  CHECK(closed.finish().ok());
  CHECK(drained.get());
  Stream late(server);
  CHECK_FALSE(late.read());
  CHECK(late.finish().error_code() == StatusCode::UNAVAILABLE);
}

TEST_CASE("stream: clients that go away in the middle leave nothing behind") {
  TestServer server([](server::Options& options) { options.queue.max_requests = 4; }, 2);
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c)
    clients.emplace_back([&server, c] {
      for (int round = 0; round < 20; ++round) {
        Stream stream(server);
        for (int i = 0; i < 10 + c; ++i) stream.write(i, {1});
        for (int i = 0; i < round % 5; ++i) stream.read();
        stream.context.TryCancel();
        while (stream.read()) {
        }
        stream.finish();
      }
    });
  for (std::thread& client : clients) client.join();
  // a request that is on its way still may come in once more
  const auto& admission = pipeline_of(server).admission();
  CHECK(eventually([&] { return admission.requests() == 0 && admission.bytes() == 0; }));
  CHECK(server.app().drain());
}
