#include "clients/cpp/in_flight.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <stdexcept>
#include <vector>

using helix::run_in_flight;

TEST_CASE("every job runs once, for any window", "[client]") {
  for (int window : {-1, 0, 1, 3, 100}) {
    std::vector<std::atomic<int>> runs(20);
    run_in_flight(window, runs.size(), [&](std::size_t i) { ++runs[i]; });
    CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& n) { return n == 1; }));
  }
  run_in_flight(4, 0, [](std::size_t) { FAIL("no jobs"); });
}

TEST_CASE("a window of jobs is under way at once, and no more", "[client]") {
  std::barrier together(3);  // ends only where three jobs run at once
  std::atomic<int> running{0}, most{0};
  run_in_flight(3, 9, [&](std::size_t) {
    const int now = ++running;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) continue;
    together.arrive_and_wait();
    --running;
  });
  CHECK(most <= 3);
}

TEST_CASE("the exception of a job is thrown to the caller and stops the start of others", "[client]") {
  std::atomic<int> started{0};
  const auto job = [&](std::size_t i) {
    ++started;
    if (i == 2) throw std::runtime_error("job 2");
  };
  CHECK_THROWS_WITH(run_in_flight(1, 10, job), "job 2");
  CHECK(started == 3);
}
