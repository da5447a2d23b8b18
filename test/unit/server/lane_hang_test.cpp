// Lanes that hang: what the watchdog does.
#include "server/lanes/watch_rounds.h"
#include "test/unit/server/sum_lanes.h"

#include <catch2/catch.hpp>

using namespace helix;
using namespace helix::server;
using namespace helix::server::lane_test;
using namespace std::chrono_literals;

namespace {

constexpr auto kWatchdog = 1s;  // a healthy lane on a loaded machine is quicker

/// Hangs in its first batch until it is told to go on; then looks at its hits once more.
class HangingEngine : public SumEngine {
 public:
  struct Script {
    std::promise<void> go_on, gone;
    std::atomic<bool> hung = false;
  };
  explicit HangingEngine(Script& script) : script_(script) {}
  ~HangingEngine() override {
    if (hung_) script_.gone.set_value();
  }
  Result<BatchResult> run(const HitBatch& batch) override {
    if (!script_.hung.exchange(true)) {
      hung_ = true;
      script_.go_on.get_future().wait_for(60s);
    }
    return SumEngine::run(batch);
  }

 private:
  Script& script_;
  bool hung_ = false;
};

}  // namespace

TEST_CASE("watchdog: judges no lane for a while after the process was stopped") {
  const Clock::time_point start{};
  WatchRounds rounds(4s, start);
  CHECK(rounds.begin(start));
  CHECK(rounds.next() == start + 1s);  // often enough to notice
  rounds.come_by(start + 500ms);
  CHECK(rounds.next() == start + 500ms);
  CHECK(rounds.begin(start + 1s));  // a little late, on a machine that is busy
  CHECK_FALSE(rounds.begin(start + 60s));
  CHECK(rounds.next() == start + 61s);
  CHECK_FALSE(rounds.begin(start + 61s));
  CHECK_FALSE(rounds.begin(start + 63s));
  CHECK(rounds.begin(start + 64s));
}

TEST_CASE("lane: one that hangs leaves service, another answers, and what comes late is dropped") {
  HangingEngine::Script script;
  const auto memory = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = memory;
  SumCaller caller({20, 3}), other({1, 1});
  {
    std::vector<std::unique_ptr<Engine>> engines;
    for (int i = 0; i < 2; ++i) engines.push_back(std::make_unique<HangingEngine>(script));
    Bench bench(std::move(engines), {}, kWatchdog);
    caller.memory = memory;
    REQUIRE(bench.push(caller).ok());
    CHECK(caller.wait().ok());
    CHECK(caller.sum == 23);
    caller.memory.reset();
    CHECK(hanging_lanes() == 1);
    CHECK(bench.lanes.in_service() == 1);
    CHECK(bench.queue.stats().lanes == 1);
    CHECK(bench.queue.stats().retries == 1);
    CHECK(bench.run(4).ok());
    CHECK_FALSE(bench.lost);
    CHECK(adds_up(bench.queue.stats()));
  }
  // the queue and the lanes are gone, the thread is not, nor what it looks at
  CHECK(alive.use_count() == 2);
  script.go_on.set_value();
  CHECK(script.gone.get_future().wait_for(60s) == std::future_status::ready);
  CHECK(caller.sum == 23);
}

TEST_CASE("lane: when the last one hangs its requests are refused") {
  HangingEngine::Script script;
  SumCaller caller({1, 1});
  {
    std::vector<std::unique_ptr<Engine>> engines;
    engines.push_back(std::make_unique<HangingEngine>(script));
    Bench bench(std::move(engines), {}, kWatchdog);
    REQUIRE(bench.push(caller).ok());
    CHECK(caller.wait().message() == "lane 0 hangs in its device");
    for (int i = 0; i < 60'000 && !bench.lost; ++i) std::this_thread::sleep_for(1ms);
    REQUIRE(bench.lost);
    CHECK_THAT(bench.run(1).message(), Catch::StartsWith("no device is left"));
  }
  script.go_on.set_value();
  CHECK(script.gone.get_future().wait_for(60s) == std::future_status::ready);
}
