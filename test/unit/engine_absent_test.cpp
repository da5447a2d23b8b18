// What programs see of CUDA where there is no device, or no CUDA at all.
#include "kernels/engine.h"

#include <catch2/catch.hpp>

namespace helix {
namespace {

TEST_CASE("without a CUDA device the engine is unavailable, and says why") {
  if (cuda_device_count() > 0) return;  // test/cuda has the other half
  const auto engine = make_cuda_engine(Detector{}, patatrack::Config{}, EngineOptions{});
  REQUIRE_FALSE(engine.ok());
  CHECK(engine.status().code() == Code::unavailable);
  CHECK_THAT(engine.status().message(),
             Catch::StartsWith("built without CUDA") || Catch::StartsWith("no usable CUDA device: "));
}

}  // namespace
}  // namespace helix
