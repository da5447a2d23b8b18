// What batches cost, learned from those that ran.
#include "server/batching/cost_model.h"

#include "server/batching/latency_target.h"

#include <catch2/catch.hpp>

#include <random>

using namespace helix::server;
using namespace std::chrono_literals;

namespace {

/// Batches of a lane with a known cost in milliseconds.
struct Lane {
  double fixed, ms_of_1k_hits, noise = 0;
  std::mt19937 random{3};

  double cost(const Work& work) const { return fixed + ms_of_1k_hits * work.hits / 1000; }
  void run(CostModel& model, int n, int max_events, double hits) {
    for (int i = 0; i < n; ++i) {
      const Work work =
          Work::of(1 + random() % static_cast<unsigned>(max_events), hits * (0.5 + random() % 100 / 100.0));
      const double spread = 1 + noise * (static_cast<double>(random() % 1000) / 500 - 1);
      model.observe(work, from_ms(cost(work) * spread), 0);
    }
  }
};

}  // namespace

TEST_CASE("cost: nothing is known before the first batch, and nobody is refused by it") {
  const CostModel model;
  CHECK(model.ms(Work::of(64, 30000)) == 0);
  CHECK(model.fixed_ms() == 0);
  CHECK(model.bytes(Work::of(64, 30000)) == 0);
  CHECK_FALSE(model.trusted());
}

TEST_CASE("cost: a fixed part and a part a hit are told apart") {
  const auto [fixed, slope] = GENERATE(table<double, double>({{5, 0.02}, {0.1, 1}, {0, 2}, {20, 0.5}}));
  CostModel model;
  Lane lane{fixed, slope, 0.1};
  lane.run(model, 200, 32, 10000);
  for (const int events : {1, 5, 30}) {
    const Work work = Work::of(events, 10000);
    CHECK(model.ms(work) == Approx(lane.cost(work)).epsilon(0.15));
  }
  CHECK(model.fixed_ms() == Approx(fixed).margin(0.15 * lane.cost(Work::of(1, 10000))));
}

TEST_CASE("cost: batches of one size say what batches of that size take") {
  CostModel model;
  for (int i = 0; i < 20; ++i) model.observe(Work::of(4, 5000), 30ms, 1000);
  CHECK(model.ms(Work::of(4, 5000)) == Approx(30).epsilon(0.02));
  CHECK(model.ms(Work::of(40, 5000)) >= 30);
  CHECK(model.bytes(Work::of(4, 5000)) == Approx(1000).epsilon(0.02));
}

TEST_CASE("cost: events that cost more than in proportion are seen") {
  CostModel model;
  for (int i = 0; i < 100; ++i) {
    const double hits = 1000.0 * (1 + i % 30);
    model.observe(Work::of(1, hits), from_ms(1 + hits * hits / 1e7), 0);
  }
  CHECK(model.ms(Work::of(1, 30000)) == Approx(91).epsilon(0.05));
  CHECK(model.ms(Work::of(1, 3000)) == Approx(1.9).epsilon(0.2));
}

TEST_CASE(
    "cost: what something takes at least is close to what it takes, where alike was seen, and nothing where not") {
  CostModel model;
  Lane lane{5, 0.5, 0.3};
  lane.run(model, 100, 32, 10000);
  for (const int events : {1, 5, 30}) {
    const double least = model.ms(Work::of(events, 10000), Estimate::least);
    CHECK(least <= model.ms(Work::of(events, 10000)));
    CHECK(least > 0.5 * model.ms(Work::of(events, 10000)));
  }
  CHECK(model.ms(Work::of(1, 300000), Estimate::least) < 5 + 0.5 * 300);
  CHECK(model.ms(Work::of(90, 10000), Estimate::least, 3) > 0.7 * 3 * lane.cost(Work::of(30, 10000)));
}

TEST_CASE("cost: in proportion to hits, where batches of small events are all that was seen") {
  CostModel model;
  std::mt19937 random(GENERATE(range(1, 11)));
  for (int i = 0; i < 200; ++i) {
    const Work work = Work::of(1 + random() % 24, 40 + random() % 12);
    model.observe(work, from_ms(0.1 + work.hits / 100), 0);
  }
  CHECK(model.ms(Work::of(1, 5000)) < 150);
}

TEST_CASE("cost: a hiccup moves little, a lasting change is learned") {
  CostModel model;
  Lane lane{2, 0.5};
  const Work work = Work::of(8, 10000);
  lane.run(model, 100, 16, 10000);
  model.observe(work, 60s, 0);
  CHECK(model.ms(work) < 1.5 * lane.cost(work));
  lane.fixed = 20, lane.ms_of_1k_hits = 5;
  lane.run(model, 300, 16, 10000);
  CHECK(model.ms(work) == Approx(lane.cost(work)).epsilon(0.1));
}

TEST_CASE("cost: never negative, and the same for the same sequence") {
  CostModel a, b;
  std::mt19937 random(11);
  for (int i = 0; i < 2000; ++i) {
    const Work work = Work::of(1 + random() % 64, random() % 50000);
    const auto time = std::chrono::microseconds(random() % 1000000);
    a.observe(work, time, random() % 7);
    b.observe(work, time, 0);
    REQUIRE(a.ms(work) >= 0);
    REQUIRE(a.fixed_ms() >= 0);
    REQUIRE(a.ms(work) == b.ms(work));
  }
}

TEST_CASE("latency target: batches get shorter while they are what makes answers late, and longer again") {
  LatencyTarget target(100ms);
  const double start = target.bound_ms();
  CHECK(start > 0);
  for (int i = 0; i < 2000; ++i) target.observe(150, 80);
  const double shorter = target.bound_ms();
  CHECK(shorter < start / 2);
  for (int i = 0; i < 20000; ++i) target.observe(50, 20);
  CHECK(target.bound_ms() > 2 * shorter);
  // late because of the queue: shorter batches would make it worse
  const double before = target.bound_ms();
  for (int i = 0; i < 2000; ++i) target.observe(5000, 80);
  CHECK(target.bound_ms() >= before);
}

TEST_CASE("latency target: none is no bound") {
  LatencyTarget target(0ms);
  for (int i = 0; i < 1000; ++i) target.observe(1e6, 1e6);
  CHECK(target.bound_ms() == 0);
}
