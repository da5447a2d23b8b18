#include "kernels/core/stage_clock.h"

#include <catch2/catch.hpp>

namespace helix {
namespace {

using std::chrono::nanoseconds;

TEST_CASE("a stage clock adds up a stage's turns, in the order the stages first ran") {
  StageClock clock;
  clock.add("fit", nanoseconds(5));
  clock.add("select", nanoseconds(7));
  clock.add("fit", nanoseconds(10));
  REQUIRE(clock.rows().size() == 2);
  CHECK(clock.rows()[0].stage == std::string("fit"));
  CHECK(clock.rows()[0].time == nanoseconds(15));
  CHECK(clock.rows()[1].stage == std::string("select"));
  CHECK(clock.rows()[1].time == nanoseconds(7));
}

TEST_CASE("a stage clock knows the stage that is running") {
  StageClock clock;
  CHECK(clock.current() == std::string("batch"));
  clock.begin("prepare");
  CHECK(clock.current() == std::string("prepare"));
  clock.begin("fit");
  clock.end();
  CHECK(clock.current() == std::string("batch"));
  REQUIRE(clock.rows().size() == 2);
  clock.clear();
  CHECK(clock.rows().empty());
}

}  // namespace
}  // namespace helix
