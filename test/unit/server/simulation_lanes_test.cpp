// The simulation against what it stands for.
#include "server/simulation/simulation.h"
#include "test/unit/server/sum_lanes.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace helix;
using namespace helix::server;
using namespace helix::server::lane_test;
using namespace std::chrono_literals;

namespace {

/// Takes as long as a modelled lane: its time is known, and does not depend on what else the machine does.
class ModelledEngine : public SumEngine {
 public:
  explicit ModelledEngine(simulation::LaneModel model) : model_(model) {}
  Result<BatchResult> run(const HitBatch& batch) override {
    std::this_thread::sleep_for(from_ms(model_.fixed_ms + model_.per_kilohit_ms * batch.n_hits() / 1000));
    return SumEngine::run(batch);
  }

 private:
  simulation::LaneModel model_;
};

/// Requests a second of clients that each wait for their answer.
double measured_rate(const simulation::Scenario& scenario, std::chrono::seconds duration) {
  std::vector<std::unique_ptr<Engine>> engines;
  for (int i = 0; i < scenario.lanes; ++i) engines.push_back(std::make_unique<ModelledEngine>(scenario.lane));
  Bench bench(std::move(engines), scenario.batcher.limits, {});
  std::atomic<int> done = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < scenario.groups[0].clients; ++i)
    clients.emplace_back([&bench, &done](const std::stop_token& stop) {
      while (!stop.stop_requested()) done += bench.run(1).ok();
    });
  std::this_thread::sleep_for(1s);  // the cost model learns
  const int before = done;
  const auto start = Clock::now();
  std::this_thread::sleep_for(duration);
  const double rate = 1000 * (done - before) / in_ms(Clock::now() - start);
  clients.clear();
  return rate;
}

}  // namespace

TEST_CASE("simulation: foretells within 15 % what real lanes, queue and clients do") {
  const auto [clients, max_events] = GENERATE(table<int, double>({{2, 8}, {24, 8}, {24, 1}}));
  simulation::Scenario scenario;
  scenario.lanes = 2;
  scenario.lane = {20, 1000};  // ms: 20 and, with two hits, 2 an event
  scenario.groups = {{.clients = clients, .sizes = {{2, 1}}}};
  scenario.batcher.limits.max_events = max_events;
  const double foretold = simulate(scenario).requests_per_s;
  double measured = 0;
  for (int i = 0; i < 3 && std::abs(measured / foretold - 1) > 0.15; ++i) measured = measured_rate(scenario, 2s);
  CAPTURE(clients, max_events);
  CHECK(measured == Approx(foretold).epsilon(0.15));
}
