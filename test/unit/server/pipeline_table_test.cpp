// Pipelines beside each other, and tables of them one after another, without gRPC.
#include "server/pipelines.h"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <future>
#include <thread>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;

namespace {

struct Script {
  std::atomic<int> engines = 0;  // that there are
  std::atomic<bool> go = true;   // a batch ends
};

/// Loses its device with the first batch.
class LosingEngine : public Engine {
 public:
  explicit LosingEngine(Script& script) : script_(script) { ++script_.engines; }
  ~LosingEngine() override { --script_.engines; }
  Result<BatchResult> run(const HitBatch&) override {
    script_.go.wait(false);
    return unavailable("lost");
  }
  std::string backend() const override { return "toy"; }
  std::string device() const override { return "toy"; }

 private:
  Script& script_;
};

class OneHit : public Caller {
 public:
  std::unique_ptr<Request> request() {
    HitBatch hits;
    hits.x = hits.y = hits.z = {&x_, 1};
    hits.module = {&module_, 1};
    hits.events = {{offsets_.data(), offsets_.size()}};
    hits.beam_spot = {&spot_, 1};
    return std::make_unique<Request>(hits, RequestFacts{.arrived = Clock::now()}, *this, Ticket());
  }
  bool cancelled() const override { return false; }
  void answer(const Answer&, const Ended& ended) override {
    ended(Code::ok);
    end_.set_value({});
  }
  void refuse(const Status& status) override {
    lease.reset();
    end_.set_value(status);
  }
  Status wait() { return end_.get_future().get(); }

  Pipelines::Lease lease;  // given back by the thread that refuses

 private:
  float x_ = 1;
  std::uint32_t module_ = 0;
  std::array<Index, 2> offsets_{0, 1};
  BeamSpot spot_;
  std::promise<Status> end_;
};

std::unique_ptr<Pipeline> pipeline(const std::string& name, Script& script, const std::function<void()>& all_lost) {
  PipelineFacts facts;
  facts.name = name;
  Engines engines;
  engines.push_back(std::make_unique<LosingEngine>(script));
  return std::make_unique<Pipeline>(std::move(facts), std::make_shared<const Detector>(), PipelineOptions{}, nullptr,
                                    std::move(engines), all_lost);
}

/// Takes the device of a pipeline away.
void lose(Pipeline& pipeline) {
  OneHit hit;
  auto request = hit.request();
  REQUIRE(pipeline.queue().push(request).ok());
  CHECK(hit.wait().code() == Code::unavailable);
}

}  // namespace

TEST_CASE("pipelines: the loss of one's last device is that one's alone") {
  Script script;
  PipelineTable table(AdmissionBudget{});
  std::atomic<int> losses = 0;
  for (const char* name : {"patatrack", "exatrkx/a", "exatrkx/b", "echo"})
    table.add(pipeline(name, script, [&losses] { ++losses; }));
  const auto serving = [&](const std::string& name) { return table.serving().at(name); };
  CHECK(table.serving().size() == 5);
  lose(*table.all()[2]);
  CHECK_FALSE(serving("exatrkx/b"));
  CHECK((serving("patatrack") && serving("exatrkx") && serving("exatrkx/a") && serving("echo")));
  lose(*table.all()[1]);
  CHECK_FALSE(serving("exatrkx"));  // the name means the first
  CHECK(table.any_serves());
  lose(*table.all()[0]);
  CHECK_FALSE(table.any_serves());
  CHECK(serving("echo"));
  table.stop(unavailable("end"), Clock::now() + 60s);
  CHECK(losses == 3);
}

TEST_CASE("pipelines: replaced tables end when a lane gives the last lease back, and what they counted is kept") {
  constexpr int kTables = 20;
  Script script;
  Pipelines pipelines;
  const auto replace = [&] {
    auto table = std::make_unique<PipelineTable>(AdmissionBudget{});
    table->add(pipeline("p", script, [] {}));
    pipelines.replace(std::move(table));
  };
  replace();
  std::atomic<bool> went_back = false;
  std::jthread reader([&](const std::stop_token& stop) {
    for (std::uint64_t before = 0; !stop.stop_requested();) {
      const std::uint64_t now = pipelines.totals()["p"].accepted;
      if (now < std::exchange(before, now)) went_back = true;
    }
  });
  for (int i = 0; i < kTables; ++i) {
    script.go = false;
    OneHit hit;
    hit.lease = pipelines.current();
    {
      const Pipelines::Lease lease = hit.lease;  // what is pushed may end the other at once
      auto request = hit.request();
      REQUIRE(lease->all().front()->queue().push(request).ok());
    }
    replace();
    CHECK_FALSE(pipelines.wait_replaced(Clock::now() + 1ms, {}));
    script.go = true;
    script.go.notify_all();
    CHECK(hit.wait().code() == Code::unavailable);
    REQUIRE(pipelines.wait_replaced(Clock::now() + 60s, {}));
  }
  reader = {};
  CHECK_FALSE(went_back);
  CHECK(script.engines == 1);
  CHECK(pipelines.totals()["p"].accepted == kTables);
  CHECK(pipelines.totals()["p"].failed == kTables);
}
