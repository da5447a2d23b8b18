// What the policy gives under load, in virtual time: nothing here waits, and the same seed gives the same figures.
#include "server/simulation/simulation.h"

#include "test/support/sanitizers.h"

#include <catch2/catch.hpp>

using namespace helix::server;
using namespace helix::server::simulation;
using namespace std::chrono_literals;

namespace {

// 5 ms and 0.2 ms an event of 1000 hits: a GPU; 0.2 ms and 3 ms an event: a few CPU threads
constexpr LaneModel kGpu{5, 0.2}, kCpu{0.2, 3};

ClientGroup closed(int clients) { return {.clients = clients, .sizes = {{1000, 1}}}; }

ClientGroup open(double rate, std::string name = "") {
  return {.clients = 100, .rate = rate, .name = std::move(name), .sizes = {{1000, 1}}};
}

Scenario of(LaneModel lane, int lanes, std::vector<ClientGroup> groups, double seconds = 30) {
  Scenario scenario;
  scenario.groups = std::move(groups);
  scenario.lane = lane;
  scenario.lanes = lanes;
  scenario.seconds = seconds;
  return scenario;
}

double saturation(LaneModel lane, int lanes) { return simulate(of(lane, lanes, {closed(64 * lanes)})).requests_per_s; }

}  // namespace

TEST_CASE("simulation: one client has the lane for itself") {
  const Report report = simulate(of({5, 1}, 1, {closed(1)}));
  CHECK(report.all.p50_ms == Approx(6));
  CHECK(report.all.p99_ms == Approx(6));
  CHECK(report.requests_per_s == Approx(1000.0 / 6).epsilon(0.01));
  CHECK(report.lane_share == Approx(1).epsilon(0.01));
  CHECK(report.batch_events == Approx(1));
  CHECK(report.all.sent - report.all.completed <= 1);
}

TEST_CASE("simulation: queueing of single requests is that of theory") {
  // M/D/1 at 0.7: mean wait 0.7 / (2 * 0.3) services; half of the requests wait less than 0.8
  Scenario scenario = of({10, 0}, 1, {open(70)}, 600);
  scenario.batcher.limits.max_events = 1;
  const Report report = simulate(scenario);
  CHECK(report.requests_per_s == Approx(70).epsilon(0.03));
  CHECK(report.lane_share == Approx(0.7).epsilon(0.03));
  CHECK(report.all.p50_ms == Approx(18).epsilon(0.1));
}

TEST_CASE("simulation: the same seed gives the same report, another does not") {
  Scenario scenario = of(kCpu, 2, {open(300)});
  const Report a = simulate(scenario), b = simulate(scenario);
  CHECK(a.all.sent == b.all.sent);
  CHECK(a.all.p99_ms == b.all.p99_ms);
  scenario.seed = 2;
  CHECK(simulate(scenario).all.sent != a.all.sent);
}

TEST_CASE("simulation: batching pays on a lane with a fixed cost, 64 clients") {
  Scenario scenario = of(kGpu, 1, {closed(64)});
  const double batched = simulate(scenario).requests_per_s;
  scenario.batcher.limits.max_events = 1;
  CHECK(batched >= 10 * simulate(scenario).requests_per_s);
}

TEST_CASE("simulation: concurrency costs no latency until saturation") {
  const double idle = simulate(of(kCpu, 4, {closed(1)})).all.p50_ms;
  const double half = simulate(of(kCpu, 4, {open(saturation(kCpu, 4) / 2)})).all.p50_ms;
  CHECK(half <= 1.3 * idle);
}

TEST_CASE("simulation: overload at ten times saturation keeps goodput") {
  const LaneModel lane = GENERATE(kGpu, kCpu);
  const double full = saturation(lane, 2);
  constexpr double kSeconds = helix::test::kThreadSanitizer || helix::test::kAddressSanitizer ? 20 : 60;
  Scenario scenario = of(lane, 2, {open(10 * full)}, kSeconds);
  SECTION("without deadlines") {}
  SECTION("with a deadline") { scenario.groups[0].deadline_ms = 500; }
  SECTION("with a deadline shorter than the queue") { scenario.groups[0].deadline_ms = 60; }
  SECTION("with clients that wait and come again") {
    scenario.groups = {closed(3000)};
    scenario.groups[0].think_ms = 1;
  }
  const Report report = simulate(scenario);
  CHECK(report.requests_per_s >= 0.95 * full);
  CHECK(report.most_waiting <= static_cast<std::size_t>(scenario.budget.max_requests));
}

TEST_CASE("simulation: a client that sends ten times more than another does not slow that one down") {
  const auto [lane, lanes, max_cost] =
      GENERATE(table<LaneModel, int, std::chrono::milliseconds>({{kCpu, 4, 0ms}, {kCpu, 1, 0ms}, {kGpu, 2, 10ms}}));
  Scenario both = of(lane, lanes, {closed(64 * lanes)}, 60);
  both.batcher.limits.max_cost = max_cost;  // else batches that are fuller take longer, for all
  const double full = simulate(both).requests_per_s;
  SECTION("at a rate: 0.4 of what the lanes can do, beside as much or ten times more") {
    const auto light_p99 = [&](double heavy) {
      Scenario scenario = both;
      scenario.groups = {open(0.4 * full, "light"), open(heavy, "heavy")};
      scenario.groups[1].deadline_ms = 2000;  // its backlog ends somewhere
      const Report report = simulate(scenario);
      CHECK(report.groups[0].completed >= 0.97 * report.groups[0].sent);  // the budget is four batches of a GPU
      return report.groups[0].p99_ms;
    };
    CHECK(light_p99(4 * full) <= 1.5 * light_p99(0.4 * full));
  }
  SECTION("in a closed loop: twice as many requests as lanes at a time, beside as many or ten times more") {
    const auto light_p99 = [&, lanes = lanes](int heavy) {
      Scenario scenario = both;
      scenario.groups = {closed(2 * lanes), closed(heavy)};
      scenario.groups[0].name = "light", scenario.groups[1].name = "heavy";
      return simulate(scenario).groups[0].p99_ms;
    };
    CHECK(light_p99(20 * lanes) <= 1.5 * light_p99(2 * lanes));
  }
}

TEST_CASE("simulation: bulk work waits for interactive requests, and is not starved") {
  ClientGroup interactive = open(100, "people"), bulk = closed(100);
  interactive.priority = kInteractive;
  bulk.priority = kBulk;
  const Report report = simulate(of(kCpu, 2, {interactive, bulk}));
  CHECK(report.groups[0].p99_ms < 12);  // a batch under way, and its own
  CHECK(report.lane_share == Approx(1).epsilon(0.02));
  // interactive alone fills the lanes
  Scenario full = of(kCpu, 1, {interactive, bulk}, 120);
  full.groups[0] = open(400, "people");
  full.groups[0].priority = kInteractive;
  CHECK(simulate(full).groups[1].completed > 300);
  full.batcher.room.ageing = 0s;
  CHECK(simulate(full).groups[1].completed < 10);
}

TEST_CASE("simulation: within a client urgent requests are computed first, so more are in time") {
  ClientGroup urgent = open(100, "one"), patient = open(190, "one");
  urgent.deadline_ms = 100;
  patient.deadline_ms = 3000;
  Scenario scenario = of(kCpu, 1, {urgent, patient}, 120);
  const Report report = simulate(scenario);
  CHECK(report.groups[0].completed >= 0.98 * report.groups[0].sent);
  CHECK(report.groups[1].completed >= 0.95 * report.groups[1].sent);
}

TEST_CASE("simulation: huge and small events starve one another neither way") {
  ClientGroup small = open(200, "small"), huge = open(0.5, "huge");
  huge.sizes = {{200'000, 1}};  // 600 ms each
  const Report report = simulate(of(kCpu, 2, {small, huge}, 300));
  CHECK(report.groups[0].completed >= 0.99 * report.groups[0].sent);
  CHECK(report.groups[1].completed >= 0.95 * report.groups[1].sent);
  CHECK(report.groups[1].p99_ms < 5000);
}

TEST_CASE("simulation: a target of latency shortens the batches that others wait for") {
  ClientGroup people = open(50, "people"), bulk = closed(200);
  people.priority = kInteractive;
  bulk.priority = kBulk;
  Scenario scenario = of({1, 2}, 1, {people, bulk}, 120);
  scenario.batcher.limits.overhead = 0;
  scenario.batcher.limits.max_events = 256;
  const Report free = simulate(scenario);
  scenario.batcher.limits.target_p99 = 60ms;
  const Report bounded = simulate(scenario);
  CHECK(free.groups[0].p99_ms > 300);
  CHECK(bounded.groups[0].p99_ms < 66);
  CHECK(bounded.requests_per_s >= 0.9 * free.requests_per_s);
}

TEST_CASE("simulation: thousands of clients and tens of lanes") {
  Scenario scenario = of(kGpu, 40, {closed(5000), open(20000)}, 5);
  scenario.groups[0].think_ms = 1000;
  scenario.budget.max_requests = 20000;
  const Report report = simulate(scenario);
  CHECK(report.all.completed > 100000);
  CHECK(report.all.full == 0);
}
