// Requests to this process end in a reply, whatever the pipeline does.
#include "clients/bench/local_target.h"

#include <catch2/catch.hpp>

#include <future>
#include <stdexcept>

using namespace helix;
using namespace std::chrono_literals;

namespace {

class Throws : public Reconstructor {
 public:
  Result<Reconstruction> reconstruct(const ReconstructCall&, std::stop_token) override {
    throw std::runtime_error("out of luck");
  }
  Result<std::vector<std::string>> pipelines() override { return std::vector<std::string>(); }
  Result<PipelineDescription> describe(const std::string&) override { return PipelineDescription(); }
};

}  // namespace

TEST_CASE("an exception of the pipeline is a reply") {
  Throws pipeline;
  bench::LocalTarget target(pipeline);
  const bench::Payload payload;
  std::promise<bench::Reply> reply;
  target.send(payload, 0, bench::Clock::now() + 60s, {}, [&](bench::Reply got) { reply.set_value(std::move(got)); });
  const bench::Reply got = reply.get_future().get();
  CHECK(got.code == grpc::StatusCode::INTERNAL);
  CHECK(got.error == "out of luck");
}
