// Pipelines beside each other, and tables of them one after another, without gRPC.
#include "server/pipeline_table.h"

#include <catch2/catch.hpp>

#include <array>
#include <future>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;

namespace {

/// Loses its device with the first batch.
class LosingEngine : public Engine {
 public:
  Result<BatchResult> run(const HitBatch&) override { return unavailable("lost"); }
  std::string backend() const override { return "toy"; }
  std::string device() const override { return "toy"; }
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
  void answer(const Answer&) override { end_.set_value({}); }
  void refuse(const Status& status) override { end_.set_value(status); }
  Status wait() { return end_.get_future().get(); }

 private:
  float x_ = 1;
  std::uint32_t module_ = 0;
  std::array<Index, 2> offsets_{0, 1};
  BeamSpot spot_;
  std::promise<Status> end_;
};

std::unique_ptr<Pipeline> pipeline(const std::string& name, const std::function<void()>& all_lost) {
  PipelineFacts facts;
  facts.name = name;
  Engines engines;
  engines.push_back(std::make_unique<LosingEngine>());
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
  PipelineTable table(AdmissionBudget{});
  std::atomic<int> losses = 0;
  for (const char* name : {"patatrack", "exatrkx/a", "exatrkx/b", "echo"})
    table.add(pipeline(name, [&losses] { ++losses; }));
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
