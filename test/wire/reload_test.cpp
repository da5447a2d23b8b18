// Reloads of a daemon in this process: what they refuse, what they end, what goes on over them.
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>

#include <future>

using namespace helix;
using namespace helix::wire_test;
using namespace std::chrono_literals;

namespace {

/// A call that waits for its answer elsewhere.
std::future<Reply> send(TestServer& server, float x) {
  return std::async(std::launch::async, [&server, x] { return reconstruct(server.client(), request_of({x})); });
}

/// A server whose first call, of {1}, is held on a lane of pipelines that a reload has replaced.
struct Reloaded {
  Reloaded() {
    server.script.hold();
    oldest = send(server, 1);
    REQUIRE(server.script.wait_for_batches(1));
    REQUIRE(server.reload().ok());
  }
  TestServer server{[](server::Options& options) { options.server.drain_timeout = 10ms; }};
  std::future<Reply> oldest;
};

}  // namespace

TEST_CASE("reload: lanes whose warm-up fails are not put in service, and the reason is said") {
  TestServer server;
  const auto* before = server.app().pipelines().get();
  server.script.set_warm_up(resource_exhausted("the device is full"));
  const auto outcome = server.reload();
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.status().code() == Code::resource_exhausted);
  CHECK(outcome.status().message() == "pipeline patatrack does not warm up: the device is full");
  CHECK(server.app().pipelines().get() == before);
  CHECK(server.script.engines() == 1);
  CHECK(reconstruct(server.client(), request_of({1})).status.ok());
  server.script.set_warm_up({});
  CHECK(server.reload().status().message() == "");
  CHECK(server.app().pipelines().get() != before);
}

TEST_CASE("start: lanes whose warm-up fails serve all the same, as there are no others") {
  EngineScript script;
  script.set_warm_up(resource_exhausted("the device is full"));
  CHECK(server::App::start(test_options(), test_detector(), fake_engines(script)).ok());
}

TEST_CASE("reload: pipelines end with their last request, also one that outlives the reload") {
  Reloaded reloaded;
  TestServer& server = reloaded.server;
  auto old = send(server, 2);
  REQUIRE(server.script.wait_for_batches(2));
  REQUIRE(server.reload().ok());
  CHECK(server.script.engines() == 3);
  server.script.let_go();
  CHECK(reloaded.oldest.get().status.ok());
  CHECK(old.get().status.ok());
  CHECK(eventually([&] { return server.script.engines() == 1; }));
  CHECK(reconstruct(server.client(), request_of({3})).status.ok());
}

TEST_CASE("reload: the end of the server knows of old pipelines in use") {
  Reloaded reloaded;
  TestServer& server = reloaded.server;
  CHECK_FALSE(server.app().stop(10ms));  // the old lane is held
  server.script.let_go();
  CHECK(reloaded.oldest.get().status.ok());
  CHECK(server.app().stop(20s));
}
