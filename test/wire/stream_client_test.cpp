// Client::reconstruct_stream against a daemon in this process.
#include "clients/cpp/client.h"
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <stdexcept>

using namespace helix;
using namespace helix::wire_test;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<Client> connect(int port, ClientOptions options = {}) {
  options.address = "127.0.0.1:" + std::to_string(port);
  Result<std::unique_ptr<Client>> client = Client::connect(options);
  REQUIRE(client.ok());
  return *std::move(client);
}

/// Events of one hit, whose x tells them apart. One set of columns: what is asked for next overwrites it.
class Source {
 public:
  explicit Source(std::size_t n) : n_(n) {}
  std::atomic<std::size_t> sent{0};
  std::function<void(std::size_t)> before = [](std::size_t) {};
  std::size_t guilty = static_cast<std::size_t>(-1);
  float fault = EngineScript::kFailing;  // of the guilty one

  std::optional<ReconstructCall> operator()() {
    const std::size_t i = sent;
    before(i);
    if (i == n_) return std::nullopt;
    x_ = i == guilty ? fault : static_cast<float>(i + 1);
    ++sent;
    ReconstructCall call;
    call.request_id = "event " + std::to_string(i);
    call.hits.x = {&x_, 1};
    call.hits.y = call.hits.z = {&one_, 1};
    call.hits.module_index = {&module_, 1};
    return call;
  }

 private:
  const std::size_t n_;
  float x_ = 0;
  const float one_ = 1;
  const std::uint32_t module_ = 0;
};

/// What came back: how often for each call, and how many that were wrong.
struct Answers {
  std::map<std::size_t, int> times;
  std::map<std::size_t, Status> failed;
  int wrong = 0;

  void operator()(std::size_t number, const Result<Reconstruction>& result) {
    ++times[number];
    if (!result.ok())
      failed.emplace(number, result.status());
    else
      wrong += result->request_id != "event " + std::to_string(number) || result->tracks.chi2.size() != 1 ||
               result->tracks.chi2[0] != static_cast<float>(number + 1);
  }
  bool once(std::size_t n) const {
    return times.size() == n && std::all_of(times.begin(), times.end(), [](const auto& t) { return t.second == 1; });
  }
};

Status run(Client& client, Source& source, Answers& answers, std::stop_token stop = {}) {
  return client.reconstruct_stream([&] { return source(); },
                                   [&](std::size_t number, const Result<Reconstruction>& r) { answers(number, r); },
                                   std::move(stop));
}

}  // namespace

TEST_CASE("stream client: each of many calls gets its own answer, the guilty one its failure") {
  TestServer server({}, 2);
  const auto client = connect(server.app().port());
  Source source(500);
  source.guilty = 123;
  Answers answers;
  CHECK(run(*client, source, answers).message() == "");
  CHECK(answers.once(500));
  CHECK(answers.wrong == 0);
  REQUIRE(answers.failed.size() == 1);
  CHECK(answers.failed.at(123).code() == Code::resource_exhausted);
  Source none(0);
  CHECK(run(*client, none, answers).ok());
}

TEST_CASE("stream client: where a server drains, the rest goes to the next one, and nothing is answered twice") {
  auto first = std::make_unique<TestServer>();
  const int port = first->app().port();
  const auto client = connect(port);
  std::promise<void> swapped;
  Source source(40);
  source.before = [&](std::size_t i) {
    if (i == 20) swapped.get_future().wait();
  };
  Answers answers;
  first->script.hold();
  auto ended = std::async(std::launch::async, [&] { return run(*client, source, answers); });
  REQUIRE(eventually([&] { return pipeline_of(*first).admission().requests() == 20; }));
  auto drained = std::async(std::launch::async, [&] { return first->app().drain(); });
  first->script.let_go();
  CHECK(drained.get());
  first.reset();
  const TestServer second(
      [port](server::Options& options) { options.server.listen = "127.0.0.1:" + std::to_string(port); });
  swapped.set_value();
  CHECK(ended.get().message() == "");
  CHECK(answers.once(40));
  CHECK(answers.wrong == 0);
  CHECK(answers.failed.empty());
}

TEST_CASE("stream client: a request that no device outlives ends the stream for itself alone") {
  TestServer server({}, 4);
  ClientOptions options;
  options.retry.budget = 0ms;
  const auto client = connect(server.app().port(), options);
  Source source(50);
  source.guilty = 10;
  source.fault = EngineScript::kLosing;
  Answers answers;
  CHECK(run(*client, source, answers).code() == Code::unavailable);
  CHECK(answers.once(49));
  CHECK(answers.times.count(10) == 0);
  CHECK(answers.wrong == 0);
}

TEST_CASE("client: a pipeline whose name no header can carry is not found") {
  TestServer server;
  const auto client = connect(server.app().port());
  for (const std::string name : {"patatr\xc3\xa4"
                                 "ck",
                                 "two words", "line\nbreak", ""}) {
    Source source(1);
    ReconstructCall call = *source();
    call.pipeline = name;
    CHECK(client->reconstruct(call).status().code() == Code::not_found);
  }
}

TEST_CASE("stream client: what the caller throws ends the call and comes back") {
  TestServer server;
  const auto client = connect(server.app().port());
  Answers answers;
  SECTION("for want of a next call") {
    Source source(20);
    source.before = [](std::size_t i) {
      if (i == 10) throw std::runtime_error("no more");
    };
    CHECK_THROWS_WITH(run(*client, source, answers), "no more");
  }
  SECTION("at an answer") {
    Source source(20);
    CHECK_THROWS_WITH(client->reconstruct_stream(
                          [&] { return source(); },
                          [](std::size_t, const Result<Reconstruction>&) { throw std::runtime_error("disk full"); }),
                      "disk full");
  }
  Source more(10);
  CHECK(run(*client, more, answers).ok());
  CHECK(answers.wrong == 0);
}

TEST_CASE("stream client: a server that does not answer is given up, a stop is heard") {
  TestServer server;
  ClientOptions options;
  options.timeout = 300ms;
  options.retry.budget = 0ms;
  Source source(5);
  Answers answers;
  server.script.hold();
  SECTION("timeout") {
    const auto client = connect(server.app().port(), options);
    const Status status = run(*client, source, answers);
    CHECK(status.code() == Code::deadline_exceeded);
    CHECK_THAT(status.message(), Catch::Contains("no answer of the stream within 300 ms"));
  }
  SECTION("but not while the caller is at an answer") {
    server.script.let_go();
    options.timeout = 2s;
    const auto client = connect(server.app().port(), options);
    int n = 0;
    const auto slow_at_first = [&n](std::size_t, const Result<Reconstruction>&) {
      if (n++ == 0) std::this_thread::sleep_for(3s);
    };
    CHECK(client->reconstruct_stream([&] { return source(); }, slow_at_first).message() == "");
    CHECK(n == 5);
  }
  SECTION("stop") {
    const auto client = connect(server.app().port());
    std::stop_source stop;
    auto ended = std::async(std::launch::async, [&] { return run(*client, source, answers, stop.get_token()); });
    REQUIRE(server.script.wait_for_batches(1));
    stop.request_stop();
    CHECK(ended.get().code() == Code::cancelled);
  }
  CHECK(answers.times.empty());
  server.script.let_go();
}
