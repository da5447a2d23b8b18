// Lanes with a queue and an engine, and no gRPC: what the thread sanitizer can see all of.
#include "test/unit/server/sum_lanes.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <stdexcept>

using namespace helix;
using namespace helix::server;
using namespace helix::server::lane_test;
using namespace std::chrono_literals;

TEST_CASE("many threads, several lanes: each caller gets its own sum, the guilty ones their failure") {
  Bench bench(3, {.max_events = 4, .max_hits = 1000});
  constexpr int kThreads = 4, kEach = 100;
  std::vector<std::future<int>> wrong;
  for (int t = 0; t < kThreads; ++t)
    wrong.push_back(std::async(std::launch::async, [&bench, t] {
      std::vector<std::unique_ptr<SumCaller>> callers;
      for (int i = 0; i < kEach; ++i) {
        const bool guilty = i % 10 == 9;
        callers.push_back(std::make_unique<SumCaller>(std::array{guilty ? kFailing : float(i), float(1000 * t)}));
        auto request = callers.back()->request();
        if (!bench.queue.push(request).ok()) return -1;
      }
      int n_wrong = 0;
      for (int i = 0; i < kEach; ++i) {
        const Status status = callers[i]->wait();
        const bool good = i % 10 == 9 ? status.message() == "too much" : status.ok() && callers[i]->sum == i + 1000 * t;
        n_wrong += !good;
      }
      return n_wrong;
    }));
  for (auto& n : wrong) CHECK(n.get() == 0);
  bench.queue.close(unavailable("closed"));
  CHECK(bench.lanes.wait_ended(Clock::now() + 60s));
}

TEST_CASE("an engine that throws, or answers another number of events, fails its request as internal") {
  Bench bench(1);
  CHECK(bench.run(kThrowing).message() == "a bug");
  CHECK(bench.run(kThrowing).code() == Code::internal);
  CHECK(bench.run(kMisshapen).message() == "engine answered another number of events than it was given");
  CHECK(bench.run(5).ok());
}

namespace {

/// Has no memory to say how much memory it holds, for as long as it is told so.
class ExhaustedEngine : public SumEngine {
 public:
  explicit ExhaustedEngine(std::atomic<bool>& exhausted) : exhausted_(exhausted) {}
  std::size_t memory() const override {
    if (exhausted_) throw std::bad_alloc();
    return 0;
  }

 private:
  std::atomic<bool>& exhausted_;
};

}  // namespace

TEST_CASE("lane: what throws beside the engine ends a batch, not the lane") {
  std::atomic<bool> exhausted = true;
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(std::make_unique<ExhaustedEngine>(exhausted));
  SumCaller first({kFailing, 1}), second({kFailing, 1});
  RequestQueue queue;
  for (SumCaller* caller : {&first, &second}) {
    auto request = caller->request();
    REQUIRE(queue.push(request).ok());
  }
  const LaneSet lanes(std::move(engines), queue, 0s, [] {});
  for (SumCaller* caller : {&first, &second}) {
    const Status status = caller->wait();
    CHECK(status.code() == Code::resource_exhausted);
    CHECK(status.message() == "the machine has no memory for this batch");
  }
  exhausted = false;
  SumCaller third({5, 1});
  auto request = third.request();
  REQUIRE(queue.push(request).ok());
  CHECK(third.wait().ok());
  CHECK(lanes.in_service() == 1);
  for (int i = 0; i < 3000 && queue.stats().running > 0; ++i) std::this_thread::sleep_for(10ms);
  const QueueStats stats = queue.stats();
  CHECK(stats.running == 0);
  CHECK(stats.failed == 2);
  CHECK(adds_up(stats));
  queue.close(unavailable("end"));
}

TEST_CASE("lanes without a device leave, the last one closes the queue") {
  Bench bench(4);
  CHECK(bench.run(kLosing).message() == "lost");  // tried on a second lane, and on no third
  CHECK(bench.run(5).ok());
  CHECK(bench.queue.stats().lanes == 2);
  CHECK_FALSE(bench.lost);
  CHECK(bench.run(kLosing).code() == Code::unavailable);
  CHECK(bench.lanes.wait_ended(Clock::now() + 60s));
  CHECK(bench.lost);
  CHECK(bench.run(5).message() == "no device is left: lost");
}

TEST_CASE("lanes end when their queue is closed") {
  Bench bench(2);
  CHECK_FALSE(bench.lanes.wait_ended(Clock::now()));
  bench.queue.close(unavailable("closed"));
  CHECK(bench.lanes.wait_ended(Clock::now() + 60s));
}

namespace {

/// Knows which thread warmed it up and which ran its first batch.
class ColdEngine : public SumEngine {
 public:
  struct Threads {
    std::promise<void> may_warm;
    std::atomic<bool> cold_run = false, other_thread = false;
  };
  ColdEngine(Threads& threads, Status answer) : threads_(threads), answer_(std::move(answer)) {}

  Status warm_up() override {
    threads_.may_warm.get_future().wait_for(60s);
    warmed_by_ = std::this_thread::get_id();
    return answer_;
  }
  Result<BatchResult> run(const HitBatch& batch) override {
    if (warmed_by_ == std::thread::id()) threads_.cold_run = true;
    if (warmed_by_ != std::this_thread::get_id()) threads_.other_thread = true;
    return SumEngine::run(batch);
  }

 private:
  Threads& threads_;
  Status answer_;
  std::thread::id warmed_by_;
};

}  // namespace

TEST_CASE("lane: an engine is warmed up by the thread that runs it, before its first batch") {
  ColdEngine::Threads threads;
  RequestQueue queue;
  std::vector<std::unique_ptr<Engine>> engines;
  // one that fails at it says so, and serves all the same
  const Status answer = GENERATE(Status(), resource_exhausted("too small"));
  engines.push_back(std::make_unique<ColdEngine>(threads, answer));
  const LaneSet lanes(std::move(engines), queue, 0s, [] {});
  SumCaller caller({1, 2});
  auto request = caller.request();
  REQUIRE(queue.push(request).ok());
  CHECK_FALSE(lanes.wait_warm(Clock::now() + 20ms));
  threads.may_warm.set_value();
  const std::optional<Status> warm = lanes.wait_warm(Clock::now() + 60s);
  REQUIRE(warm);
  CHECK(warm->message() == answer.message());
  CHECK(caller.wait().ok());
  CHECK(caller.sum == 3);
  CHECK_FALSE(threads.cold_run);
  CHECK_FALSE(threads.other_thread);
  queue.refuse_waiting(unavailable("end"));
}

TEST_CASE("lane: a batch that fails is halved until the guilty request is alone") {
  constexpr int kRequests = 64;
  ColdEngine::Threads threads;
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(std::make_unique<ColdEngine>(threads, Status()));
  Bench bench(std::move(engines), {.overhead = 0}, 0s);
  std::vector<std::unique_ptr<SumCaller>> callers;
  for (int i = 0; i < kRequests; ++i) {
    callers.push_back(std::make_unique<SumCaller>(std::array{i == 37 ? kThrowing : float(i), 0.f}));
    REQUIRE(bench.push(*callers.back()).ok());
  }
  threads.may_warm.set_value();  // all wait by now: one batch
  for (int i = 0; i < kRequests; ++i) {
    const Status status = callers[i]->wait();
    CHECK(status.ok() == (i != 37));
    if (status.ok()) CHECK(callers[i]->sum == i);
  }
  REQUIRE(bench.idle());
  const QueueStats stats = bench.queue.stats();
  CHECK(stats.splits == 6);  // 64, 32, ... 2
  CHECK(stats.failed == 1);
  CHECK(adds_up(stats));
}

TEST_CASE("lane: batches that memory does not hold become smaller, nobody is refused") {
  Bench bench(1, {.overhead = 0}, {.out_of_memory_hits = 8});
  std::vector<std::unique_ptr<SumCaller>> callers;
  for (int i = 0; i < 400; ++i) {
    callers.push_back(std::make_unique<SumCaller>(std::array{float(i), 0.f}));
    REQUIRE(bench.push(*callers.back()).ok());
  }
  for (auto& caller : callers) CHECK(caller->wait().ok());
  REQUIRE(bench.idle());
  CHECK(bench.queue.stats().failed == 0);
  CHECK(bench.queue.stats().splits < 100);  // the first failures teach what fits
}

TEST_CASE("lane: when a device is lost its batch goes to other lanes") {
  auto engines = sum_engines(2);
  engines.push_back(std::move(sum_engines(1, {.lose_device_after = 5}).front()));
  Bench bench(std::move(engines), {.max_events = 4}, {});
  int sent = 0, completed = 0;
  for (int round = 0; round < 1000 && bench.queue.stats().lanes == 3; ++round) {
    std::vector<std::unique_ptr<SumCaller>> callers;
    for (int i = 0; i < 5; ++i, ++sent) {
      callers.push_back(std::make_unique<SumCaller>(std::array{float(i), 0.f}));
      REQUIRE(bench.push(*callers.back()).ok());
    }
    for (auto& caller : callers) completed += caller->wait().ok();
  }
  CHECK(bench.queue.stats().lanes == 2);
  CHECK(completed == sent);
  CHECK(adds_up(bench.queue.stats()));
}

TEST_CASE("lane: a request that breaks devices breaks two, and no other is refused for it") {
  constexpr int kRequests = 64, kGuilty = 37;
  std::vector<std::unique_ptr<SumCaller>> callers;
  RequestQueue queue({.limits = {.overhead = 0}});
  for (int i = 0; i < kRequests; ++i) {
    callers.push_back(std::make_unique<SumCaller>(std::array{i == kGuilty ? kLosing : float(i), 0.f}));
    auto request = callers.back()->request();
    REQUIRE(queue.push(request).ok());
  }
  const LaneSet lanes(sum_engines(3), queue, 0s, [] {});
  for (int i = 0; i < kRequests; ++i) {
    const Status status = callers[i]->wait();
    CHECK(status.ok() == (i != kGuilty));
    CHECK(callers[i]->sum == (i == kGuilty ? 0 : i));
  }
  CHECK(lanes.in_service() == 1);
  const QueueStats stats = queue.stats();
  CHECK(stats.retries >= 1);
  CHECK(stats.completed == kRequests - 1);
  CHECK(stats.failed == 1);
  queue.close(unavailable("end"));
}

TEST_CASE("queue: of the lanes that wait the one that began last gets the next request, and each request wakes one") {
  RequestQueue queue({}, 3);
  const std::stop_source stop;
  const auto idle = [&queue](int lanes) {
    for (int i = 0; i < 3000 && queue.stats().idle != lanes; ++i) std::this_thread::sleep_for(1ms);
    return queue.stats().idle == lanes;
  };
  std::vector<std::future<TakenBatch>> lanes;
  for (int lane = 0; lane < 3; ++lane) {
    lanes.push_back(std::async(std::launch::async, [&] { return queue.take(stop.get_token()); }));
    REQUIRE(idle(lane + 1));
  }
  for (int lane = 2; lane >= 0; --lane) {
    SumCaller caller({float(lane), 1});
    auto request = caller.request();
    REQUIRE(queue.push(request).ok());
    REQUIRE(lanes[static_cast<std::size_t>(lane)].wait_for(60s) == std::future_status::ready);
    CHECK(queue.stats().idle == lane);
    const TakenBatch taken = lanes[static_cast<std::size_t>(lane)].get();
    REQUIRE(taken.requests.size() == 1);
    taken.requests.front()->refuse({Code::cancelled, "enough"});
    queue.over(taken.run);
    CHECK(caller.wait().message() == "enough");
  }
}

TEST_CASE("lane: thousands cancelled, late, guilty and good at once, each ends once and is counted") {
  Bench bench(3, {.max_events = 16}, {.fail_every = 7});
  constexpr int kThreads = 3, kEach = 2000;
  std::vector<std::future<int>> all;
  for (int t = 0; t < kThreads; ++t)
    all.push_back(std::async(std::launch::async, [&bench] {
      std::vector<std::unique_ptr<SumCaller>> callers;
      int rejected = 0;
      for (int i = 0; i < kEach; ++i) {
        SumCaller& caller = *callers.emplace_back(std::make_unique<SumCaller>(std::array{float(i), 0.f}));
        if (i % 5 == 1) caller.deadline = Clock::now() + std::chrono::microseconds(i % 50);
        auto request = caller.request();
        const std::uint64_t id = request->id();
        if (const Status status = bench.queue.push(request); !status.ok()) {
          ++rejected;
          request->refuse(status);
        } else if (i % 5 == 2) {
          caller.gone = true;
          bench.queue.cancel(id);
        }
      }
      for (auto& caller : callers) (void)caller->wait();
      return rejected;
    }));
  int rejected = 0;
  for (auto& thread : all) rejected += thread.get();
  REQUIRE(bench.idle());
  const QueueStats stats = bench.queue.stats();
  CHECK(stats.accepted == static_cast<std::uint64_t>(kThreads * kEach - rejected));
  CHECK(stats.cancelled > 0);
  CHECK(stats.completed > 0);
  CHECK(adds_up(stats));
}

namespace {

/// Keeps what it is told.
class Recorder : public Observer {
 public:
  struct Seen {
    int lane, requests;
    Index events, hits;
    Code code;
    bool in_order;
  };
  void batch(const BatchRecord& r) noexcept override {
    const bool in_order =
        r.arrived <= r.taken && r.taken <= r.gathered && r.gathered <= r.computed && r.computed <= r.done;
    const std::scoped_lock lock(mutex_);
    seen_.push_back({r.lane, r.requests, r.events, r.hits, r.code, in_order});
  }
  std::vector<Seen> seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
};

}  // namespace

TEST_CASE("lane: an observer is told of each batch, those that failed and those that were taken apart too") {
  Recorder recorder;
  RequestQueue queue;
  SumCaller good({1, 2}), guilty({kFailing, 1});
  for (SumCaller* caller : {&good, &guilty}) {
    auto request = caller->request();
    REQUIRE(queue.push(request).ok());
  }
  {
    LaneSet lanes(
        sum_engines(1), queue, 0s, [] {}, recorder);
    CHECK(good.wait().ok());
    CHECK(guilty.wait().message() == "too much");
    queue.close(unavailable("closed"));
    CHECK(lanes.wait_ended(Clock::now() + 60s));
  }
  const auto seen = recorder.seen();
  REQUIRE(seen.size() == 3);
  const Code codes[] = {Code::resource_exhausted, Code::ok, Code::resource_exhausted};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(seen[i].code == codes[i]);
    CHECK(seen[i].requests == (i == 0 ? 2 : 1));
    CHECK(seen[i].events == seen[i].requests);
    CHECK(seen[i].hits == 2 * seen[i].requests);
    CHECK(seen[i].in_order);
  }
}
