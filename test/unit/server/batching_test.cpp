// The queue's policy and its bookkeeping, without threads where none is the point.
#include "server/batching/gate.h"
#include "server/batching/request_queue.h"
#include "test/support/someone.h"

#include <catch2/catch.hpp>

#include <future>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;

namespace {

struct FakeCaller : Caller {
  bool cancelled() const override { return gone; }
  void answer(const Answer&, const Ended& ended) override {
    ended(answers_end_as);
    ++finished;
  }
  void refuse(const Status& status) override {
    ++finished;
    last = status;
  }
  bool gone = false;
  Code answers_end_as = Code::ok;
  int finished = 0;
  Status last;
};

/// Requests over columns that live as long as this.
struct Requests {
  std::vector<float> x = std::vector<float>(1000);
  std::vector<Index> offsets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  FakeCaller caller;

  std::unique_ptr<Request> make(Index n_events, std::size_t n_hits,
                                Clock::time_point deadline = Clock::time_point::max()) {
    HitBatch hits;
    hits.x = {x.data(), n_hits};
    hits.events = {{offsets.data(), static_cast<std::size_t>(n_events) + 1}};
    return std::make_unique<Request>(hits, RequestFacts{.arrived = kStart, .deadline = deadline}, caller, Ticket());
  }
  std::unique_ptr<Request> with_errors(Index n_events, std::size_t n_hits) {
    HitBatch hits = make(n_events, n_hits)->hits();
    hits.var_u = hits.var_v = hits.x;
    return std::make_unique<Request>(hits, RequestFacts{}, caller, Ticket());
  }
};

std::vector<Index> events_of(const TakenBatch& batch) {
  std::vector<Index> events;
  for (const auto& request : batch.requests) events.push_back(request->hits().n_events());
  return events;
}

}  // namespace

TEST_CASE("requests with other optional columns wait for the next batch, in their order") {
  Requests make;
  RequestQueue queue;
  for (const Index n : {1, 2, 3, 4}) {
    auto request = n % 2 == 1 ? make.make(n, 1) : make.with_errors(n, 1);
    REQUIRE(queue.push(request).ok());
  }
  CHECK(events_of(queue.take({})) == std::vector<Index>{1, 3});
  CHECK(events_of(queue.take({})) == std::vector<Index>{2, 4});
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
  CHECK(request->wanted(kStart + 10ms).code() == Code::deadline_exceeded);  // gRPC cancels what is too late
}

TEST_CASE("the budget counts requests and bytes, and gets them back") {
  Admission admission({.max_requests = 2, .max_bytes = 100});
  CHECK(admission.fits_alone(100).ok());
  CHECK(admission.fits_alone(101).code() == Code::resource_exhausted);
  auto first = admission.admit({"c", kNormal, 60});
  REQUIRE(first.ok());
  CHECK(admission.admit({"c", kNormal, 41}).status().message().find("60 bytes") != std::string::npos);
  auto second = admission.admit({"c", kNormal, 40});
  REQUIRE(second.ok());
  CHECK(admission.admit({"c", kNormal, 0}).status().message().find("2 requests") != std::string::npos);
  {
    const Ticket given_away = *std::move(first);
    CHECK(admission.requests() == 2);
  }
  CHECK(admission.requests() == 1);
  CHECK(admission.bytes() == 40);
  CHECK(admission.admit({"c", kNormal, 60}).ok());
}

TEST_CASE("a budget within a wider one takes of both, or of neither") {
  Admission all({.max_requests = 2, .max_bytes = 100, .suffix = "_in_all"});
  Admission one({.max_requests = 2, .max_bytes = 200}, &all), other({.max_requests = 2, .max_bytes = 200}, &all);
  CHECK_THAT(one.fits_alone(101).message(), Catch::Contains("queue.max_bytes_in_all"));
  auto first = one.admit({"c", kNormal, 60});
  REQUIRE(first.ok());
  CHECK_THAT(other.admit({"c", kNormal, 41}).status().message(), Catch::Contains("queue.max_bytes_in_all"));
  CHECK(other.requests() == 0);
  CHECK(other.bytes() == 0);
  first->release();
  CHECK(all.requests() == 0);
  CHECK(all.bytes() == 0);
  CHECK(other.admit({"c", kNormal, 100}).ok());
}

TEST_CASE("the budget leaves room for others: a client alone has four fifths of it, a class eight ninths") {
  const bool by_bytes = GENERATE(false, true);
  Admission admission({.max_requests = by_bytes ? 1000 : 90, .max_bytes = std::size_t{by_bytes ? 900U : 9000U}});
  const std::size_t size = 10;
  std::vector<Ticket> tickets;
  const auto take_all = [&](const Applicant& applicant) {
    int n = 0;
    for (;; ++n) {
      Result<Ticket> ticket = admission.admit(applicant);
      if (!ticket.ok()) return n;
      tickets.push_back(*std::move(ticket));
    }
  };
  SECTION("one after the other") {
    CHECK(take_all({"heavy", kNormal, size}) == 72);
    CHECK_THAT(admission.has_room({"heavy", kNormal, size}).message(), Catch::Contains("of this client, \"heavy\""));
    CHECK(take_all({"light", kNormal, size}) == 8);
    CHECK_THAT(admission.has_room({"another", kNormal, size}).message(), Catch::Contains("of this class, normal"));
    CHECK(take_all({"other", kInteractive, size}) == 9);
    CHECK(take_all({"another", kBulk, size}) == 1);
    CHECK_THAT(admission.has_room({"third", kInteractive, size}).message(), Catch::Contains("server is full: 90"));
  }
  SECTION("two of a class at a time") {
    while (tickets.size() < 70)
      for (const char* client : {"a", "b"}) tickets.push_back(*admission.admit({client, kNormal, size}));
    CHECK(take_all({"a", kNormal, size}) + take_all({"b", kNormal, size}) == 6);  // 16/17 of 80
    CHECK(take_all({"c", kNormal, size}) == 4);
  }
}

TEST_CASE("the budget calls who waits for room in order, each when there is room for it") {
  Admission admission({.max_requests = 2, .max_bytes = 100});
  auto first = admission.admit({"a", kNormal, 60}), second = admission.admit({"b", kNormal, 30});
  std::string called;
  std::vector<Ticket> tickets;
  const std::function<void(std::string, std::size_t)> wait = [&](const std::string& name, std::size_t bytes) {
    auto ticket = admission.admit({name, kInteractive, bytes}, [&, name, bytes] {
      called += name;
      wait(name, bytes);
    });
    if (ticket.ok()) tickets.push_back(*std::move(ticket));
  };
  wait("x", 50);
  wait("y", 20);
  wait("z", 20);
  CHECK(called.empty());
  second->release();
  CHECK(called == "y");  // no room for x beside a's 60 bytes
  first->release();
  CHECK(called == "yx");
  std::exchange(tickets, {}).clear();
  CHECK(called == "yxz");
  CHECK(admission.requests() == 1);
}

TEST_CASE("the place in the budget is free when the caller hears of the end") {
  Admission admission({.max_requests = 1, .max_bytes = 100});
  struct Watching : FakeCaller {
    explicit Watching(Admission& a) : admission(a) {}
    void refuse(const Status&) override { requests_then = admission.requests(); }
    Admission& admission;
    int requests_then = -1;
  } caller(admission);
  Request request({}, RequestFacts{}, caller, *admission.admit({"c", kNormal, 10}));
  request.refuse(not_found(""));
  CHECK(caller.requests_then == 0);
}

TEST_CASE("an answer that could not be encoded is counted as what it became, once") {
  Admission admission({.max_requests = 1, .max_bytes = 100});
  Ends ends;
  FakeCaller caller;
  caller.answers_end_as = Code::internal;
  Request request({}, RequestFacts{}, caller, *admission.admit({"c", kNormal, 10}));
  request.count_in(ends);
  const BatchResult result;
  const std::string name = "fake";
  request.answer({result, 0, 0, 0, {}, {}, name, name});
  request.refuse(not_found("has ended before"));
  CHECK(caller.finished == 1);
  CHECK(ends.completed == 0);
  CHECK(ends.failed == 1);
  CHECK(admission.requests() == 0);
}

TEST_CASE("the queue finishes what nobody waits for, and gives out the rest") {
  Requests make;
  Clock::time_point now = kStart;
  RequestQueue queue({}, 1, [&] { return now; });
  auto late = make.make(1, 1, kStart + 1ms), good = make.make(2, 1);
  REQUIRE(queue.push(late).ok());
  REQUIRE(queue.push(good).ok());
  CHECK(late == nullptr);
  now += 5ms;
  SECTION("when a lane takes") {
    CHECK(events_of(queue.take({})) == std::vector<Index>{2});
    CHECK(make.caller.last.code() == Code::internal);  // the batch was dropped just now
    CHECK(make.caller.finished == 2);
  }
  SECTION("when room is needed") {
    queue.drop_expired();
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
  CHECK(queue.take({}).requests.size() == 1);
  CHECK(queue.take({}).requests.empty());
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
  CHECK(queue.take({}).requests.empty());
}

TEST_CASE("a lane that waits for requests ends when it is stopped, and wakes for a request") {
  Requests make;
  RequestQueue queue;
  std::stop_source stop;
  auto taken = std::async(std::launch::async, [&] { return queue.take(stop.get_token()).requests.size(); });
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

TEST_CASE("a request that waits is finished at once when its caller cancels it, and only then") {
  Requests make;
  RequestQueue queue;
  auto first = make.make(1, 1), second = make.make(2, 1);
  const std::uint64_t id = first->id();
  REQUIRE(queue.push(first).ok());
  REQUIRE(queue.push(second).ok());
  queue.cancel(id);
  CHECK(make.caller.finished == 1);
  CHECK(make.caller.last.code() == Code::cancelled);
  queue.cancel(id);
  queue.cancel(12345678);
  CHECK(make.caller.finished == 1);
  CHECK(events_of(queue.take({})) == std::vector<Index>{2});
}

TEST_CASE("a request that was cancelled before it came to wait is not taken") {
  Requests make;
  RequestQueue queue;
  auto request = make.make(1, 1);
  make.caller.gone = true;
  CHECK(queue.push(request).code() == Code::cancelled);
  CHECK(request != nullptr);
  CHECK(queue.stats().accepted == 0);
}

TEST_CASE("requests given back wait at their old places, once, and run alone") {
  Requests make;
  RequestQueue queue({.limits = {.max_events = 3}});
  for (const Index n : {1, 2, 3, 4}) {
    auto request = make.make(n, 1);
    REQUIRE(queue.push(request).ok());
  }
  TakenBatch batch = queue.take({});
  CHECK(events_of(batch) == std::vector<Index>{1, 2});
  queue.give_back(std::move(batch.requests), unavailable("lane lost"));
  CHECK(queue.waiting() == 4);
  CHECK(queue.stats().retries == 2);
  batch = queue.take({});
  CHECK(events_of(batch) == std::vector<Index>{1});
  CHECK(make.caller.finished == 0);
  queue.give_back(std::move(batch.requests), unavailable("lane lost"));
  CHECK(make.caller.finished == 1);
  CHECK(make.caller.last.message() == "lane lost");
  CHECK(queue.stats().retries == 2);
  CHECK(events_of(queue.take({})) == std::vector<Index>{2});
  CHECK(events_of(queue.take({})) == std::vector<Index>{3});
}

TEST_CASE("requests given back to a closed queue are finished with its reason") {
  Requests make;
  RequestQueue queue;
  auto request = make.make(1, 1);
  REQUIRE(queue.push(request).ok());
  TakenBatch batch = queue.take({});
  queue.refuse_waiting(unavailable("stopping"));
  queue.give_back(std::move(batch.requests), unavailable("lane lost"));
  CHECK(make.caller.finished == 1);
  CHECK(make.caller.last.message() == "stopping");
}

TEST_CASE("a lane waits for a fuller batch as long as it was told to") {
  Requests make;
  RequestQueue queue({.limits = {.max_queue_delay = 20ms, .preferred_events = 3}});
  const Clock::time_point start = Clock::now();
  auto taken = std::async(std::launch::async, [&] { return queue.take({}).requests.size(); });
  HitBatch hits;
  hits.events = {{make.offsets.data(), 2}};
  auto request = std::make_unique<Request>(hits, RequestFacts{.arrived = start}, make.caller, Ticket());
  REQUIRE(queue.push(request).ok());
  CHECK(taken.get() == 1);
  CHECK(Clock::now() >= start + 20ms);
}

TEST_CASE("all accepted requests are counted by their end") {
  Requests make;
  Clock::time_point now = kStart;
  RequestQueue queue({}, 1, [&] { return now; });
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 6000; ++i) {
    auto request = make.make(1 + i % 3, 10, i % 6 == 1 ? kStart + 1ms : Clock::time_point::max());
    ids.push_back(request->id());
    REQUIRE(queue.push(request).ok());
  }
  for (std::size_t i = 0; i < ids.size(); i += 6) queue.cancel(ids[i]);
  CHECK(queue.stats().requests == 5000);
  now += 2ms;
  const BatchResult result;
  const std::string name = "fake";
  for (int batch = 0; queue.waiting() > 0; ++batch) {
    const TakenBatch taken = queue.take({});
    for (const auto& request : taken.requests)
      batch % 4 == 0 ? request->refuse(internal_error("bug")) : request->answer({result, 0, 1, 1, {}, {}, name, name});
    queue.over(taken.run);
  }
  const QueueStats stats = queue.stats();
  CHECK(stats.accepted == 6000);
  CHECK(stats.cancelled == 1000);
  CHECK(stats.expired == 1000);
  CHECK(stats.failed > 0);
  CHECK(stats.completed > stats.failed);
  CHECK(stats.accepted == stats.completed + stats.cancelled + stats.expired + stats.failed);
  CHECK(stats.running == 0);
  CHECK(stats.bytes == 0);
  CHECK(stats.hits == 0);
  CHECK(stats.clients == 0);
  CHECK(make.caller.finished == 6000);
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
