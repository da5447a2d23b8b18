// What a free lane takes, and who comes too late.
#include "server/batching/batcher.h"

#include "test/support/someone.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <deque>
#include <random>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;

namespace {

struct Queue : Batcher {
  explicit Queue(BatchLimits limits, int lanes = 1) : Batcher({.limits = limits}, lanes) {}

  void come(Work work, Clock::time_point deadline = Clock::time_point::max(), int priority = kNormal) {
    people.emplace_back(
        RequestFacts{.work = work, .bytes = 100, .priority = priority, .arrived = kStart, .deadline = deadline});
    add(people.back(), kStart);
  }
  /// Events of the next batch, request by request.
  std::vector<double> next(Clock::time_point now = kStart) {
    std::vector<double> events;
    const Taken taken = take(now);
    for (const Waiter* waiter : taken.batch) events.push_back(waiter->facts().work.events);
    over(taken.run);
    return events;
  }
  /// Batches of fixed + each * events milliseconds.
  void teach(double fixed, double each, double hits = 1000) {
    for (int i = 0; i < 50; ++i) learn(Work::of(1 + i % 20, hits), from_ms(fixed + each * (1 + i % 20)), 0);
  }
  std::deque<Someone> people;
};

using Events = std::vector<double>;

}  // namespace

TEST_CASE("batcher: a batch holds who fits, in order") {
  SECTION("events") {
    Queue queue({.max_events = 5});
    for (const int n : {2, 3, 4, 1}) queue.come(Work::of(n, 10));
    CHECK(queue.next() == Events{2, 3});
    CHECK(queue.next() == Events{4, 1});
    CHECK(queue.next().empty());
  }
  SECTION("hits") {
    Queue queue({.max_hits = 30});
    for (int i = 0; i < 4; ++i) queue.come(Work::of(1, 10));
    CHECK(queue.next().size() == 3);
    CHECK(queue.next().size() == 1);
  }
  SECTION("bytes, of the columns while nothing else is known") {
    Queue queue({.max_bytes = 250});
    for (int i = 0; i < 4; ++i) queue.come(Work::of(1, 10));
    CHECK(queue.next().size() == 2);
  }
  SECTION("bytes as predicted") {
    Queue queue({.max_bytes = 10000, .overhead = 0});
    for (int i = 0; i < 50; ++i)
      queue.learn(Work::of(1 + i % 20, 10), 1ms, static_cast<std::size_t>(3000 * (1 + i % 20)));
    for (int i = 0; i < 4; ++i) queue.come(Work::of(1, 10));
    CHECK(queue.next().size() == 3);
  }
  SECTION("one that is larger than a batch runs alone, wherever it stands") {
    Queue queue({.max_events = 5});
    for (const int n : {1, 9, 1}) queue.come(Work::of(n, 10));
    CHECK(queue.next() == Events{1});
    CHECK(queue.next() == Events{9});
    CHECK(queue.next() == Events{1});
  }
}

TEST_CASE("batcher: a batch is as long as its fixed cost is worth, and within the limit of cost") {
  SECTION("a lane with a fixed cost gets batches that make little of it") {
    Queue queue({.max_events = 1000, .overhead = 0.05});
    queue.teach(5, 0.2);
    for (int i = 0; i < 1000; ++i) queue.come(Work::of(1, 1000));
    CHECK(queue.next().size() == Approx(475).margin(60));
  }
  SECTION("a lane without gets short ones") {
    Queue queue({.overhead = 0.05});
    queue.teach(0, 10);
    for (int i = 0; i < 100; ++i) queue.come(Work::of(1, 1000));
    CHECK(queue.next().size() == 1);
  }
  SECTION("a lane that computes several side by side gets so many, whatever their cost") {
    Queue queue({.overhead = 0.05, .side_by_side = 4});
    queue.teach(0, 10);
    for (int i = 0; i < 100; ++i) queue.come(Work::of(1, 1000));
    CHECK(queue.next().size() == 4);
  }
  SECTION("but no more than the limit of cost lets through") {
    Queue queue({.max_cost = 25ms, .overhead = 0.05, .side_by_side = 4});
    queue.teach(0, 10);
    for (int i = 0; i < 100; ++i) queue.come(Work::of(1, 1000));
    CHECK(queue.next().size() == 2);
  }
  SECTION("limit of cost") {
    Queue queue({.max_cost = 10ms, .overhead = 0});
    queue.teach(5, 1);
    for (int i = 0; i < 100; ++i) queue.come(Work::of(1, 1000));
    CHECK(queue.next().size() == Approx(5).margin(1));
  }
  SECTION("a deadline in the batch") {
    Queue queue({.overhead = 0});
    queue.teach(1, 1);
    for (int i = 0; i < 60; ++i) queue.come(Work::of(1, 1000), kStart + 21ms);
    CHECK(queue.next().size() == Approx(20).margin(2));
  }
  SECTION("a deadline too near makes no batch that does not pay: who is late then is not computed") {
    Queue queue({.overhead = 0});
    queue.teach(5, 0.2);
    for (int i = 0; i < 60; ++i) queue.come(Work::of(1, 1000), kStart + (i < 30 ? 6ms : 25ms));
    const Batcher::Taken taken = queue.take(kStart);
    CHECK(taken.late.size() == 30);
    CHECK(taken.batch.size() == 30);
  }
}

TEST_CASE("batcher: what waits is shared between the lanes that are free") {
  Queue queue({}, 4);
  for (int i = 0; i < 8; ++i) queue.come(Work::of(1, 10));
  for (int lane = 0; lane < 4; ++lane) CHECK(queue.take(kStart).batch.size() == 2);
  CHECK(queue.take(kStart).batch.empty());
}

TEST_CASE("batcher: a lane waits for a fuller batch only when it was told to") {
  Queue queue({.max_queue_delay = 10ms, .preferred_events = 3});
  queue.come(Work::of(1, 10));
  auto taken = queue.take(kStart + 1ms);
  CHECK(taken.batch.empty());
  CHECK(taken.wait_until == kStart + 10ms);
  CHECK(queue.next(kStart + 10ms).size() == 1);
  for (int i = 0; i < 3; ++i) queue.come(Work::of(1, 10));
  CHECK(queue.next(kStart + 1ms).size() == 3);
  queue.come(Work::of(1, 10));
  CHECK(queue.take(kStart + 1ms, true).batch.size() == 1);
}

TEST_CASE("batcher: a lane waits for a fuller batch no longer than those who wait can") {
  Queue queue({.max_queue_delay = 1s, .preferred_events = 30});
  SECTION("until the batch must begin to meet the earliest deadline") {
    queue.teach(10, 0);
    queue.come(Work::of(1, 1000));
    queue.come(Work::of(1, 1000), kStart + 500ms);
    queue.come(Work::of(1, 1000), kStart + 100ms);
    const auto until = queue.take(kStart).wait_until;
    REQUIRE(until);
    CHECK(in_ms(*until - kStart) == Approx(80).margin(2));  // time for it twice: lanes are late, and so are batches
    CHECK(queue.next(*until).size() == 3);
  }
  SECTION("not at all beside a deadline while nobody knows what a batch takes") {
    queue.come(Work::of(1, 1000), kStart + 100ms);
    CHECK(queue.next().size() == 1);
  }
  SECTION("as told beside a deadline that is far away") {
    queue.teach(10, 0);
    queue.come(Work::of(1, 1000), kStart + 10s);
    CHECK(queue.take(kStart).wait_until == kStart + 1s);
  }
  SECTION("not at all beside someone interactive") {
    queue.come(Work::of(1, 1000));
    CHECK(queue.take(kStart).wait_until == kStart + 1s);
    queue.come(Work::of(1, 1000), Clock::time_point::max(), kInteractive);
    CHECK(queue.next().size() == 2);
  }
}

TEST_CASE("batcher: one whose lane was lost runs alone from then on, whoever waits beside it") {
  Queue queue({.max_events = 8});
  for (int i = 0; i < 3; ++i) queue.come(Work::of(1, 10));
  for (Waiter* waiter : queue.take(kStart).batch) {
    CHECK_FALSE(waiter->lost_again());
    queue.put_back(*waiter, kStart);
  }
  for (int i = 0; i < 2; ++i) queue.come(Work::of(2, 10));
  queue.come(Work::of(3, 10), Clock::time_point::max(), kInteractive);
  CHECK(queue.next() == Events{3});  // the next in line behind it is one of those
  for (int i = 0; i < 3; ++i) CHECK(queue.next() == Events{1});
  CHECK(queue.next() == Events{2, 2});
}

TEST_CASE("batcher: a deadline that cannot be met is refused with the figures, a doubtful one is not") {
  Queue queue({.max_events = 1, .overhead = 0}, 2);
  const auto due = [](Clock::duration after) {
    return RequestFacts{.work = Work::of(1, 1000), .arrived = kStart, .deadline = kStart + after};
  };
  for (int i = 0; i < 10; ++i) queue.come(Work::of(1, 1000), kStart + 40ms);
  CHECK(queue.meets_deadline(due(1ms), kStart).ok());  // nothing is known
  queue.teach(0, 10);
  queue.take(kStart);
  queue.take(kStart);
  // 2 run for 10 ms, 8 wait: 50 ms on two lanes, and 10 ms of its own
  CHECK(in_ms(queue.backlog(kStart)) == Approx(50).epsilon(0.05));
  const Status last = queue.meets_deadline(due(58ms), kStart);
  CHECK(last.code() == Code::deadline_exceeded);
  CHECK_THAT(last.message(),
             Catch::StartsWith(
                 "deadline in 58 ms cannot be met: at least 50 ms of work go before it and its batch takes 10 ms "
                 "(8 requests wait, lanes in service: 2)"));
  CHECK(queue.meets_deadline(due(62ms), kStart).ok());
  CHECK(queue.meets_deadline(due(22ms), kStart).ok());  // goes before those that wait: 10 ms, and 10 ms of its own
  CHECK(queue.meets_deadline(due(18ms), kStart).code() == Code::deadline_exceeded);
  CHECK(queue.meets_deadline(due(Clock::duration(-1)), kStart).code() == Code::deadline_exceeded);
}

TEST_CASE("batcher: small events say too little of a large one to refuse it, or others while it runs") {
  std::mt19937 random(GENERATE(range(1, 51)));
  std::normal_distribution<double> spread(0, 0.5);
  Queue queue({.overhead = 0});
  for (int i = 0; i < 20; ++i) {
    const double events = 1 + random() % 24;
    queue.learn(Work::of(events, 40 + random() % 12), from_ms((3 + 10 * events) * std::exp(spread(random))), 0);
  }
  const Work small = Work::of(1, 45), large = Work::of(1, 5000);
  const auto due = kStart + 60s;
  for (int i = 0; i < 3; ++i) queue.come(small);
  CHECK(queue.meets_deadline({.work = large, .arrived = kStart, .deadline = due}, kStart).ok());
  queue.come(large, due);
  CHECK(queue.take(kStart).late.empty());
  queue.come(small);
  CHECK(queue.meets_deadline({.work = small, .arrived = kStart, .deadline = due}, kStart).ok());
}

TEST_CASE("batcher: who finds a lane free is let in, so that a wrong estimate is corrected") {
  Queue queue({});
  queue.teach(0, 1000);
  CHECK(queue.meets_deadline({.work = Work::of(1, 1000), .deadline = kStart + 10ms}, kStart).ok());
}

TEST_CASE("batcher: after a batch that memory did not hold batches are smaller, and grow again") {
  Queue queue({.max_events = 100, .overhead = 0});
  const auto fill = [&] {
    for (int i = 0; i < 200; ++i) queue.come(Work::of(1, 1000));
  };
  fill();
  CHECK(queue.next().size() == 100);
  queue.too_large(Work::of(100, 1000));
  fill();
  CHECK(queue.next().size() == 50);
  for (int i = 0; i < 100; ++i) queue.learn(Work::of(50, 1000), 1ms, 0);
  CHECK(queue.next().size() == 100);
}
