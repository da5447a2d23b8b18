// Reloads of a daemon in this process: what they refuse, what they end, what goes on over them.
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>

using namespace helix;
using namespace helix::wire_test;
using namespace std::chrono_literals;

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
