#include "clients/bench/agenda.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

using namespace helix::bench;
using namespace std::chrono_literals;

TEST_CASE("agenda: what is put while it waits comes in its order") {
  Agenda agenda;
  const auto begin = Agenda::Clock::now();
  std::vector<int> done;
  agenda.at(begin + 200ms, [&] { done.push_back(0); });
  std::jthread runner([&] { agenda.run(); });
  std::this_thread::sleep_for(20ms);  // it waits for the first one
  for (int i = 1; i <= 1000; ++i) agenda.at(begin + 200ms + i * 1us, [&done, i] { done.push_back(i); });
  agenda.at(begin + 300ms, [&] { agenda.end(); });
  runner.join();
  CHECK(done.size() == 1001);
  CHECK(std::is_sorted(done.begin(), done.end()));
  CHECK(Agenda::Clock::now() >= begin + 300ms);
}
