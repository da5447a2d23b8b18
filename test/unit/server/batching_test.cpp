// The queue's policy and its bookkeeping, without threads where none is the point.
#include "server/batching/gate.h"
#include "server/batching/request_queue.h"

#include <catch2/catch.hpp>

#include <future>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;

namespace {

const Clock::time_point kStart{};

struct FakeCaller : Caller {
  bool cancelled() const override { return gone; }
  void answer(const Answer&) override { ++finished; }
  void refuse(const Status& status) override {
    ++finished;
    last = status;
  }
  bool gone = false;
  int finished = 0;
  Status last;
};

/// Requests over columns that live as long as this.
struct Requests {
  std::vector<float> x = std::vector<float>(1000);
  std::vector<Index> offsets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  FakeCaller caller;

  std::unique_ptr<Request> make(Index n_events, std::size_t n_hits,
                                Clock::time_point deadline = Clock::time_point::max(), Ticket ticket = {}) {
    HitBatch hits;
    hits.x = {x.data(), n_hits};
    hits.events = {{offsets.data(), static_cast<std::size_t>(n_events) + 1}};
    return std::make_unique<Request>(hits, kStart, deadline, caller, std::move(ticket));
  }
  std::unique_ptr<Request> with_errors(Index n_events, std::size_t n_hits) {
    HitBatch hits = make(n_events, n_hits)->hits();
    hits.var_u = hits.var_v = hits.x;
    return std::make_unique<Request>(hits, kStart, Clock::time_point::max(), caller, Ticket());
  }
};

std::vector<Index> events_of(const Batch& batch) {
  std::vector<Index> events;
  for (const auto& request : batch) events.push_back(request->hits().n_events());
  return events;
}

}  // namespace

TEST_CASE("a batch holds the oldest requests that fit") {
  Requests make;
  Waiting waiting;
  for (const Index n : {2, 3, 4, 1}) waiting.push_back(make.make(n, 10));
  SECTION("up to the limit of events, in order") {
    CHECK(events_of(take_waiting(waiting, {.max_events = 5, .max_hits = 1000})) == std::vector<Index>{2, 3});
    CHECK(events_of(take_waiting(waiting, {.max_events = 5, .max_hits = 1000})) == std::vector<Index>{4, 1});
    CHECK(waiting.empty());
  }
  SECTION("up to the limit of hits") {
    CHECK(take_waiting(waiting, {.max_events = 100, .max_hits = 30}).size() == 3);
    CHECK(waiting.size() == 1);
  }
  SECTION("one that is larger than a batch runs alone") {
    CHECK(events_of(take_waiting(waiting, {.max_events = 1, .max_hits = 1})) == std::vector<Index>{2});
  }
  SECTION("none when nothing waits") {
    waiting.clear();
    CHECK(take_waiting(waiting, {}).empty());
  }
}

TEST_CASE("requests with other optional columns wait for the next batch, in their order") {
  Requests make;
  Waiting waiting;
  waiting.push_back(make.make(1, 1));
  waiting.push_back(make.with_errors(2, 2));
  waiting.push_back(make.make(3, 3));
  waiting.push_back(make.with_errors(4, 4));
  CHECK(events_of(take_waiting(waiting, {})) == std::vector<Index>{1, 3});
  CHECK(events_of(take_waiting(waiting, {})) == std::vector<Index>{2, 4});
}

TEST_CASE("a request is finished exactly once") {
  Requests make;
  make.make(1, 1)->refuse(not_found("first"));
  CHECK(make.caller.finished == 1);
  CHECK(make.caller.last.message() == "first");
  make.make(1, 1);  // dropped
  CHECK(make.caller.finished == 2);
  CHECK(make.caller.last.code() == Code::internal);
}

TEST_CASE("a request whose deadline has passed or that was cancelled is not wanted") {
  Requests make;
  const auto request = make.make(1, 1, kStart + 10ms);
  CHECK(request->wanted(kStart + 9ms).ok());
  CHECK(request->wanted(kStart + 10ms).code() == Code::deadline_exceeded);
  CHECK(request->wanted(kStart + 10ms).message() == "deadline passed after 10 ms at the server");
  make.caller.gone = true;
  CHECK(request->wanted(kStart).code() == Code::cancelled);
}

TEST_CASE("the budget counts requests and bytes, and gets them back") {
  Admission admission({.max_requests = 2, .max_bytes = 100});
  CHECK(admission.fits_alone(100).ok());
  CHECK(admission.fits_alone(101).code() == Code::resource_exhausted);
  auto first = admission.admit(60);
  REQUIRE(first.ok());
  CHECK(admission.admit(41).status().message().find("60 bytes") != std::string::npos);
  auto second = admission.admit(40);
  REQUIRE(second.ok());
  CHECK(admission.admit(0).status().message().find("2 requests") != std::string::npos);
  {
    const Ticket given_away = *std::move(first);
    CHECK(admission.requests() == 2);
  }
  CHECK(admission.requests() == 1);
  CHECK(admission.bytes() == 40);
  CHECK(admission.admit(60).ok());
}

TEST_CASE("the place in the budget is free when the caller hears of the end") {
  Admission admission({.max_requests = 1, .max_bytes = 100});
  struct Watching : FakeCaller {
    explicit Watching(Admission& a) : admission(a) {}
    void refuse(const Status&) override { requests_then = admission.requests(); }
    Admission& admission;
    int requests_then = -1;
  } caller(admission);
  Request request({}, kStart, kStart, caller, *admission.admit(10));
  request.refuse(not_found(""));
  CHECK(caller.requests_then == 0);
}

TEST_CASE("the queue finishes what nobody waits for, and gives out the rest") {
  Requests make;
  Clock::time_point now = kStart;
  RequestQueue queue([&] { return now; });
  auto late = make.make(1, 1, kStart + 1ms), good = make.make(2, 1);
  REQUIRE(queue.push(late).ok());
  REQUIRE(queue.push(good).ok());
  CHECK(late == nullptr);
  now += 5ms;
  SECTION("when a lane takes") {
    CHECK(events_of(queue.take({}, {})) == std::vector<Index>{2});
    CHECK(make.caller.last.code() == Code::internal);  // the batch was dropped just now
    CHECK(make.caller.finished == 2);
  }
  SECTION("when room is needed") {
    queue.drop_unwanted();
    CHECK(make.caller.last.code() == Code::deadline_exceeded);
    CHECK(queue.waiting() == 1);
  }
}

TEST_CASE("a closed queue takes nothing, gives out what it has, and then nothing") {
  Requests make;
  RequestQueue queue;
  auto before = make.make(1, 1), after = make.make(2, 1);
  REQUIRE(queue.push(before).ok());
  queue.close(unavailable("closed for a reason"));
  CHECK(queue.push(after).message() == "closed for a reason");
  CHECK(after != nullptr);
  CHECK(queue.take({}, {}).size() == 1);
  CHECK(queue.take({}, {}).empty());
}

TEST_CASE("what waits in a queue can be refused") {
  Requests make;
  RequestQueue queue;
  for (int i = 0; i < 3; ++i) {
    auto request = make.make(1, 1);
    REQUIRE(queue.push(request).ok());
  }
  queue.refuse_waiting(unavailable("stopping"));
  CHECK(make.caller.finished == 3);
  CHECK(make.caller.last.message() == "stopping");
  CHECK(queue.take({}, {}).empty());
}

TEST_CASE("a lane that waits for requests ends when it is stopped, and wakes for a request") {
  Requests make;
  RequestQueue queue;
  std::stop_source stop;
  auto taken = std::async(std::launch::async, [&] { return queue.take(stop.get_token(), {}).size(); });
  SECTION("stopped") {
    stop.request_stop();
    CHECK(taken.get() == 0);
  }
  SECTION("a request") {
    auto request = make.make(1, 1);
    REQUIRE(queue.push(request).ok());
    CHECK(taken.get() == 1);
  }
}

TEST_CASE("a gate counts who is inside and closes behind them") {
  Gate gate;
  std::stop_source stop;
  {
    const Gate::Pass pass = gate.enter();
    REQUIRE(pass);
    gate.close();
    CHECK_FALSE(gate.enter());
    CHECK(gate.inside() == 1);
    CHECK_FALSE(gate.wait_empty(Clock::now(), stop.get_token()));
    stop.request_stop();
    CHECK_FALSE(gate.wait_empty(Clock::now() + 1h, stop.get_token()));
  }
  CHECK(gate.wait_empty(Clock::now(), {}));
}
