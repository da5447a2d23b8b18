// Lanes with a queue and an engine, and no gRPC: what the thread sanitizer can see all of.
#include "server/lanes/lane_set.h"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <future>
#include <stdexcept>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;

namespace {

constexpr float kFailing = -1, kThrowing = -2, kMisshapen = -3, kLosing = -4;

/// One vertex an event, whose chi2 is the sum of the event's x.
class SumEngine : public Engine {
 public:
  Result<BatchResult> run(const HitBatch& batch) override {
    BatchResult result;
    result.tracks.event_offsets.assign(static_cast<std::size_t>(batch.n_events()) + 1, 0);
    result.vertices.event_offsets = {0};
    for (Index event = 0; event < batch.n_events(); ++event) {
      float sum = 0;
      for (Index hit = batch.events.begin(event); hit < batch.events.end(event); ++hit) {
        if (batch.x[hit] == kFailing) return resource_exhausted("too much");
        if (batch.x[hit] == kLosing) return unavailable("lost");
        if (batch.x[hit] == kThrowing) throw std::logic_error("a bug");
        if (batch.x[hit] == kMisshapen) return BatchResult{};
        sum += batch.x[hit];
      }
      result.vertices.chi2.push_back(sum);
      result.vertices.event_offsets.push_back(static_cast<Index>(result.vertices.chi2.size()));
    }
    result.counters.resize(static_cast<std::size_t>(batch.n_events()));
    return result;
  }
  std::string backend() const override { return "sum"; }
  std::string device() const override { return "sum"; }
};

/// A caller with its hits, one event; tells its end through a future.
class SumCaller : public Caller {
 public:
  explicit SumCaller(std::array<float, 2> x) : x_(x) {}

  std::unique_ptr<Request> request() {
    HitBatch hits;
    hits.x = hits.y = hits.z = {x_.data(), x_.size()};
    hits.module = {modules_.data(), modules_.size()};
    hits.events = {{offsets_.data(), offsets_.size()}};
    hits.beam_spot = {&spot_, 1};
    return std::make_unique<Request>(hits, Clock::now(), Clock::time_point::max(), *this, Ticket());
  }

  bool cancelled() const override { return false; }
  void answer(const Answer& answer) override {
    sum = answer.result.vertices.chi2[answer.result.vertices.event_offsets[answer.first_event]];
    end_.set_value({});
  }
  void refuse(const Status& status) override { end_.set_value(status); }

  Status wait() {
    auto end = end_.get_future();
    if (end.wait_for(60s) != std::future_status::ready) return internal_error("no end within a minute");
    return end.get();
  }

  float sum = 0;  // after wait

 private:
  std::array<float, 2> x_;
  std::array<std::uint32_t, 2> modules_{};
  std::array<Index, 2> offsets_{0, 2};
  BeamSpot spot_;
  std::promise<Status> end_;
};

/// Lanes on a queue.
struct Bench {
  explicit Bench(int n_lanes, BatchBudget budget = {})
      : lanes(engines(n_lanes), queue, budget, [this] { lost = true; }) {}

  static std::vector<std::unique_ptr<Engine>> engines(int n) {
    std::vector<std::unique_ptr<Engine>> all;
    for (int i = 0; i < n; ++i) all.push_back(std::make_unique<SumEngine>());
    return all;
  }
  Status run(float x) {
    SumCaller caller({x, 1});
    auto request = caller.request();
    if (Status status = queue.push(request); !status.ok()) {
      request->refuse(status);
      return status;
    }
    return caller.wait();
  }

  RequestQueue queue;
  std::atomic<bool> lost = false;
  LaneSet lanes;
};

}  // namespace

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

TEST_CASE("lanes without a device leave, the last one closes the queue") {
  Bench bench(2);
  CHECK(bench.run(kLosing).code() == Code::unavailable);
  CHECK(bench.run(5).ok());
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
  // one that fails at it serves all the same
  const Status answer = GENERATE(Status(), resource_exhausted("too small"));
  engines.push_back(std::make_unique<ColdEngine>(threads, answer));
  const LaneSet lanes(std::move(engines), queue, {8, 100}, [] {});
  SumCaller caller({1, 2});
  auto request = caller.request();
  REQUIRE(queue.push(request).ok());
  CHECK_FALSE(lanes.wait_warm(Clock::now() + 20ms));
  threads.may_warm.set_value();
  CHECK(lanes.wait_warm(Clock::now() + 60s));
  CHECK(caller.wait().ok());
  CHECK(caller.sum == 3);
  CHECK_FALSE(threads.cold_run);
  CHECK_FALSE(threads.other_thread);
  queue.refuse_waiting(unavailable("end"));
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
        Bench::engines(1), queue, {8, 100}, [] {}, recorder);
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
