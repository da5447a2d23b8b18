// Many requests, failing requests, full queues, deadlines, and the end of the server.
#include "clients/cpp/channel.h"
#include "server/transport/retry_info.h"
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>
#include <grpcpp/generic/generic_stub.h>

#include <future>
#include <thread>

using namespace helix;
using namespace helix::wire_test;
using namespace std::chrono_literals;
using grpc::StatusCode;

namespace {

std::future<Reply> send(TestServer& server, std::vector<float> x, std::chrono::milliseconds deadline = 20s) {
  return std::async(std::launch::async, [&server, x = std::move(x), deadline] {
    return reconstruct(server.client(), request_of(x), deadline);
  });
}

/// A lane held at a first request, so that what follows waits.
std::future<Reply> occupy(TestServer& server) {
  server.script.hold();
  auto first = send(server, {0});
  REQUIRE(server.script.wait_for_batches(1));
  return first;
}

/// A call of Reconstruct whose headers are sent, and whose request is not.
class OpenCall {
 public:
  OpenCall(TestServer& server, const std::string& pipeline) : stub_(server.channel()) {
    context_.set_deadline(std::chrono::system_clock::now() + 20s);
    if (!pipeline.empty()) context_.AddMetadata("helix-pipeline", pipeline);
    call_ = stub_.PrepareCall(&context_, "/helix.v1.Reconstruction/Reconstruct", &queue_);
    call_->StartCall(nullptr);
    next();
  }

  /// Whether all of it went out.
  bool send(const v1::ReconstructRequest& request) {
    const grpc::Slice slice(request.SerializeAsString());
    call_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    return next();
  }
  void send_nothing() {
    call_->WritesDone(nullptr);
    next();
  }
  void cancel() { context_.TryCancel(); }
  Reply end() {
    Reply reply;
    grpc::ByteBuffer answer;
    call_->Read(&answer, nullptr);
    next();
    call_->Finish(&reply.status, nullptr);
    next();
    reply.pushback = pushback_of(context_).value_or("");
    return reply;
  }

 private:
  bool next() {
    void* tag;
    bool ok;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace

TEST_CASE("each of many clients gets its own answer, whatever shared its batch") {
  TestServer server({}, 2);
  auto first = occupy(server);
  std::vector<std::future<Reply>> replies;
  for (int i = 1; i <= 40; ++i) replies.push_back(send(server, {static_cast<float>(i), 1000}));
  server.script.let_go();
  for (int i = 1; i <= 40; ++i) {
    const Reply reply = replies[static_cast<std::size_t>(i - 1)].get();
    REQUIRE(reply.status.ok());
    REQUIRE(reply.answer.tracks().chi2_size() == 1);
    CHECK(reply.answer.tracks().chi2(0) == 1000 + i);
    CHECK(reply.answer.tracks().hit_size() == 2);
  }
  CHECK(first.get().status.ok());
}

TEST_CASE("what waits runs together, up to a batch's events") {
  TestServer server([](server::Options& options) { options.batch.max_events = 3; });
  auto first = occupy(server);
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 4; ++i) replies.push_back(send(server, {1}));
  REQUIRE(waiting(server, 4));
  server.script.let_go();
  for (auto& reply : replies) CHECK(reply.get().status.ok());
  CHECK(server.script.batches() == std::vector<Index>{1, 3, 1});
}

TEST_CASE("of a failing batch only the guilty request fails") {
  const auto [x, code, message] = GENERATE(table<float, StatusCode, const char*>({
      {EngineScript::kFailing, StatusCode::RESOURCE_EXHAUSTED, "stage doublets needs 5 bytes, budget 4"},
      {EngineScript::kThrowing, StatusCode::INTERNAL, "a bug in a stage"},
  }));
  TestServer server;
  auto first = occupy(server);
  // Deadlines give the order within the batch; gRPC rounds them on the wire, so they are far apart.
  auto good = send(server, {1}, 20s);
  auto bad = send(server, {x}, 40s);
  auto also_good = send(server, {2}, 60s);
  REQUIRE(waiting(server, 3));
  server.script.let_go();
  CHECK(good.get().status.ok());
  CHECK(also_good.get().status.ok());
  const Reply reply = bad.get();
  CHECK(reply.status.error_code() == code);
  CHECK(reply.status.error_message() == message);
  CHECK(server.script.batches() == std::vector<Index>{1, 3, 1, 2, 1, 1});  // halved until it is alone
  CHECK(reconstruct(server.client(), request_of({3})).status.ok());
}

TEST_CASE("a request that finds the server full is refused before its hits are looked at") {
  TestServer server([](server::Options& options) { options.queue.max_requests = 1; });
  auto first = occupy(server);
  v1::ReconstructRequest request = request_of({1});
  request.mutable_hits()->add_x(2);  // one more than y
  CHECK(reconstruct(server.client(), request).status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  request.set_pipeline("nothing");
  CHECK(reconstruct(server.client(), request).status.error_code() == StatusCode::NOT_FOUND);
  server.script.let_go();
  CHECK(first.get().status.ok());
  request.set_pipeline("patatrack");
  CHECK(reconstruct(server.client(), request).status.error_code() == StatusCode::INVALID_ARGUMENT);
}

TEST_CASE("a full server refuses who names the pipeline in the metadata before the request comes") {
  TestServer server([](server::Options& options) {
    options.queue.max_requests = 1;
    options.queue.retry_after = 250ms;
  });
  OpenCall other(server, "echo"), unknown(server, "nothing"), silent(server, "");
  auto first = occupy(server);
  const Reply refused = OpenCall(server, "patatrack").end();
  CHECK(refused.status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK_THAT(refused.status.error_message(), Catch::StartsWith("server is full: 1 requests wait or run, limit 1"));
  CHECK(refused.pushback == "250");
  OpenCall large(server, "patatrack");
  CHECK_FALSE(large.send(request_of(std::vector<float>(300'000, 1))));  // more than limits.send_ahead_bytes
  CHECK(large.end().status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK(pipeline_of(server).stats().rejected_full == 2);
  server.script.let_go();
  CHECK(first.get().status.ok());

  OpenCall in_time(server, "patatrack");
  CHECK(in_time.send(request_of(std::vector<float>(300'000, 1))));
  CHECK(in_time.end().status.ok());
  other.send(request_of({1}));
  CHECK(other.end().status.error_message() == "metadata helix-pipeline is \"echo\", the request's pipeline another");
  unknown.send_nothing();
  CHECK(unknown.end().status.error_code() == StatusCode::INVALID_ARGUMENT);
  silent.send_nothing();
  CHECK(silent.end().status.error_message() == "the call brought no request");
}

TEST_CASE("clients that go away before their request comes leave nothing behind, and hold up no drain") {
  TestServer server;
  std::vector<std::unique_ptr<OpenCall>> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(std::make_unique<OpenCall>(server, i % 2 == 0 ? "patatrack" : ""));
  for (int i = 0; i < 10; ++i) calls[static_cast<std::size_t>(i)]->cancel();
  for (int i = 0; i < 10; ++i)
    CHECK(calls[static_cast<std::size_t>(i)]->end().status.error_code() == StatusCode::CANCELLED);
  CHECK(reconstruct(server.client(), request_of({1})).status.ok());
  CHECK(server.app().drain());
  calls[10]->send(request_of({1}));
  CHECK(calls[10]->end().status.error_code() == StatusCode::UNAVAILABLE);
}

TEST_CASE("a lane that loses its device leaves, others go on, without any the server says so") {
  TestServer server({}, 4);
  // each is tried on a second lane, and on no third
  CHECK(reconstruct(server.client(), request_of({EngineScript::kLosing})).status.error_code() ==
        StatusCode::UNAVAILABLE);
  CHECK(reconstruct(server.client(), request_of({1})).status.ok());
  CHECK(pipeline_of(server).stats().lanes == 2);
  CHECK(reconstruct(server.client(), request_of({EngineScript::kLosing})).status.error_code() ==
        StatusCode::UNAVAILABLE);
  REQUIRE(eventually([&] {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckResponse health;
    return server.health().Check(&context, {}, &health).ok() &&
           health.status() == grpc::health::v1::HealthCheckResponse::NOT_SERVING;
  }));
  const Reply reply = reconstruct(server.client(), request_of({1}));
  CHECK(reply.status.error_code() == StatusCode::UNAVAILABLE);
  CHECK(reply.status.error_message() == "no device is left: device lost");
}

TEST_CASE("a full server refuses at once, with a time to try again, room comes back") {
  TestServer server([](server::Options& options) {
    options.queue.max_requests = 2;
    options.queue.retry_after = 250ms;
  });
  auto first = occupy(server);
  auto second = send(server, {1});
  REQUIRE(waiting(server, 1));
  const Reply full = reconstruct(server.client(), request_of({2}));
  CHECK(full.status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK_THAT(full.status.error_message(), Catch::StartsWith("server is full: 2 requests wait or run, limit 2"));
  CHECK(full.pushback == "250");
  CHECK(full.status.error_details() == server::retry_details(resource_exhausted(full.status.error_message()), 250ms));
  CHECK(pipeline_of(server).stats().rejected_full == 1);
  server.script.let_go();
  CHECK(first.get().status.ok());
  CHECK(second.get().status.ok());
  CHECK(reconstruct(server.client(), request_of({2})).status.ok());
}

TEST_CASE("a request that no budget holds is refused without a time to try again") {
  TestServer server([](server::Options& options) { options.queue.max_bytes = 20 << 10; });
  const Reply reply = reconstruct(server.client(), request_of(std::vector<float>(10000, 1)));
  CHECK(reply.status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK_THAT(reply.status.error_message(), Catch::StartsWith("request needs "));
  CHECK(reply.pushback.empty());
}

TEST_CASE("requests that nobody waits for make room and are not computed") {
  TestServer server([](server::Options& options) { options.queue.max_requests = 2; });
  auto first = occupy(server);
  SECTION("deadline passed") {
    auto late = send(server, {1}, 2s);
    REQUIRE(waiting(server, 1));
    CHECK(late.get().status.error_code() == StatusCode::DEADLINE_EXCEEDED);
  }
  SECTION("cancelled") {
    grpc::ClientContext context;
    v1::ReconstructResponse answer;
    auto call =
        std::async(std::launch::async, [&] { return server.client().Reconstruct(&context, request_of({1}), &answer); });
    REQUIRE(waiting(server, 1));
    context.TryCancel();
    CHECK(call.get().error_code() == StatusCode::CANCELLED);
  }
  // whichever it was: nobody has to take from the queue for it
  REQUIRE(eventually([&] { return pipeline_of(server).admission().requests() == 1; }));
  const server::QueueStats stats = pipeline_of(server).stats();
  CHECK(stats.requests == 0);
  CHECK(stats.cancelled + stats.expired == 1);
  auto next = send(server, {2});
  REQUIRE(waiting(server, 1));
  server.script.let_go();
  CHECK(first.get().status.ok());
  CHECK(next.get().status.ok());
  CHECK(server.script.batches() == std::vector<Index>{1, 1});
}

TEST_CASE("the budget of all pipelines together is kept and named") {
  TestServer server([](server::Options& options) { options.queue.max_requests_in_all = 1; });
  auto first = occupy(server);
  const Reply full = reconstruct(server.client(), request_of({2}));
  CHECK(full.status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK_THAT(full.status.error_message(), Catch::Contains("queue.max_requests_in_all"));
  CHECK_FALSE(full.pushback.empty());
  server.script.let_go();
  CHECK(first.get().status.ok());
}

TEST_CASE("interactive requests go before normal ones, those before bulk, wrong priorities are named") {
  TestServer server([](server::Options& options) { options.batch.max_events = 2; });
  auto first = occupy(server);
  std::vector<std::future<Reply>> replies;
  const auto queue = [&](int events, std::uint32_t priority) {
    replies.push_back(std::async(std::launch::async, [&server, events, priority] {
      v1::ReconstructRequest request = request_of({1});
      for (int i = 1; i < events; ++i) request.mutable_hits()->add_event_offsets(1);
      request.set_priority(priority);
      return reconstruct(server.client(), request);
    }));
    REQUIRE(waiting(server, replies.size()));
  };
  queue(4, 2);
  queue(3, 1);
  queue(5, 0);
  server.script.let_go();
  for (auto& reply : replies) CHECK(reply.get().status.ok());
  CHECK(server.script.batches() == std::vector<Index>{1, 5, 3, 4});
  v1::ReconstructRequest wrong = request_of({1});
  wrong.set_priority(3);
  CHECK(reconstruct(server.client(), wrong).status.error_message() == "priority is 3, largest is 2");
  CHECK(first.get().status.ok());
}

TEST_CASE("clients are told apart by metadata, and share what there is") {
  TestServer server([](server::Options& options) { options.batch.max_events = 1; });
  auto first = occupy(server);
  std::vector<std::future<grpc::Status>> replies;
  const auto queue = [&](const char* key, const std::string& value, float x) {
    replies.push_back(std::async(std::launch::async, [&server, key, value, x] {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + 20s);
      context.AddMetadata(key, value);
      v1::ReconstructResponse answer;
      return server.client().Reconstruct(&context, request_of({x}), &answer);
    }));
  };
  for (int i = 0; i < 4; ++i) {
    queue("helix-client", "heavy", 1);
    REQUIRE(waiting(server, replies.size()));
  }
  queue("helix-client", "light", EngineScript::kFailing);
  REQUIRE(waiting(server, 5));
  CHECK(pipeline_of(server).stats().clients == 2);
  server.script.let_go();
  for (std::size_t i = 0; i < 4; ++i) CHECK(replies[i].get().ok());
  CHECK(replies[4].get().error_code() == StatusCode::RESOURCE_EXHAUSTED);
  queue("helix-client", std::string(200, 'x'), 1);
  CHECK(replies[5].get().error_message() == "metadata helix-client has 200 characters, limit 128");
  queue("helix-priority", "urgent", 1);
  CHECK_THAT(replies[6].get().error_message(), Catch::StartsWith("metadata helix-priority is \"urgent\""));
  queue("helix-priority", "bulk", 1);
  CHECK(replies[7].get().ok());
  CHECK(first.get().status.ok());
}

TEST_CASE("faults that are switched on hang lanes, every call ends, most on another lane") {
  TestServer server(
      [](server::Options& options) {
        options.faults.hang_every = 3;
        options.faults.hang_for = 2s;
        options.server.watchdog = 50ms;
      },
      4);
  int answered = 0;
  for (int i = 0; i < 6; ++i) {
    const Reply reply = reconstruct(server.client(), request_of({1}));
    answered += reply.status.ok();
    if (!reply.status.ok()) CHECK_THAT(reply.status.error_message(), Catch::EndsWith("hangs in its device"));
  }
  CHECK(answered >= 2);
  const server::QueueStats stats = pipeline_of(server).stats();
  CHECK(stats.accepted == stats.completed + stats.failed);
  CHECK(static_cast<std::uint64_t>(stats.lanes) + stats.retries + stats.failed == 4);  // one request a lane that left
  REQUIRE(eventually([] { return server::hanging_lanes() == 0; }));                    // they use the script
}

TEST_CASE("draining answers what is under way and refuses what comes later") {
  TestServer server;
  auto first = occupy(server);
  auto second = send(server, {1});
  REQUIRE(waiting(server, 1));
  auto drained = std::async(std::launch::async, [&] { return server.app().drain(); });
  REQUIRE(eventually([&] {
    const Reply reply = reconstruct(server.client(), request_of({2}), 200ms);
    return reply.status.error_code() == StatusCode::UNAVAILABLE;  // by the gate, or as nobody listens any more
  }));
  server.script.let_go();
  CHECK(drained.get());
  CHECK(first.get().status.ok());
  CHECK(second.get().status.ok());
  CHECK(server.app().stop(20s));
}

TEST_CASE("a drain that takes too long, or is stopped, says so") {
  TestServer server([](server::Options& options) { options.server.drain_timeout = 10ms; });
  auto first = occupy(server);
  auto second = send(server, {1});
  REQUIRE(waiting(server, 1));
  SECTION("too long") { CHECK_FALSE(server.app().drain()); }
  SECTION("stopped") {
    std::stop_source stop;
    stop.request_stop();
    CHECK_FALSE(server.app().drain(stop.get_token()));
  }
  CHECK_FALSE(server.app().stop(10ms));  // the lane is held
  CHECK(second.get().status.error_message() == "server is stopping");
  server.script.let_go();
  CHECK(first.get().status.ok());
  CHECK(server.app().stop(20s));
}

TEST_CASE("a server with work ends without waiting for its queue") {
  auto server = std::make_unique<TestServer>();
  auto first = occupy(*server);
  auto second = send(*server, {1});
  REQUIRE(waiting(*server, 1));
  CHECK_FALSE(server->app().stop(0ms));
  CHECK(second.get().status.error_code() == StatusCode::UNAVAILABLE);
  server->script.let_go();
  CHECK(first.get().status.ok());
  server.reset();
}

TEST_CASE("an address in use, or none, is said when the server starts") {
  TestServer server;
  EngineScript script;
  server::Options options = test_options();
  options.server.listen = "127.0.0.1:" + std::to_string(server.app().port());
  auto second = server::App::start(options, test_detector(), fake_engines(script));
  REQUIRE_FALSE(second.ok());
  CHECK(second.status().code() == Code::unavailable);
  CHECK_THAT(second.status().message(), Catch::Contains(options.server.listen));
  for (const char* address : {"", "localhost", "localhost:", "localhost:99999", ":1", "unix:", "127.0.0.1:0,"}) {
    options.server.listen = address;
    const auto wrong = server::App::start(options, test_detector(), fake_engines(script));
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.status().code() == Code::invalid_argument);
  }
}
