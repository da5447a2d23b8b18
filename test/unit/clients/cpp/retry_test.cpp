#include "clients/cpp/retry.h"

#include <catch2/catch.hpp>

using namespace helix;
using namespace std::chrono_literals;

namespace {

constexpr auto kLong = std::chrono::milliseconds(1h);

RetryPolicy policy(RetryOptions options = {}) { return {options, 7}; }

}  // namespace

TEST_CASE("only a server that is away or full is tried again", "[client]") {
  for (Code code : {Code::invalid_argument, Code::not_found, Code::deadline_exceeded, Code::cancelled, Code::internal})
    CHECK_FALSE(policy().next_wait(code, "10", kLong));
  CHECK(policy().next_wait(Code::unavailable, std::nullopt, kLong));
  CHECK(policy().next_wait(Code::resource_exhausted, "10", kLong));
}

TEST_CASE("over a limit, which comes without a hint, is final", "[client]") {
  CHECK_FALSE(policy().next_wait(Code::resource_exhausted, std::nullopt, kLong));
}

TEST_CASE("a hint is waited for, at most a quarter longer", "[client]") {
  for (int i = 0; i < 100; ++i) {
    const auto wait = RetryPolicy({}, i).next_wait(Code::resource_exhausted, "400", kLong);
    REQUIRE(wait);
    CHECK(*wait >= 400ms);
    CHECK(*wait <= 500ms);
  }
}

TEST_CASE("a negative or unreadable hint means never", "[client]") {
  for (const char* hint : {"-1", "", "soon", "10 ", "1e3"})
    CHECK_FALSE(policy().next_wait(Code::unavailable, hint, kLong));
}

TEST_CASE("without a hint waits double up to a maximum", "[client]") {
  RetryPolicy retry = policy({50ms, 300ms, 1h});
  for (auto least : {50ms, 100ms, 200ms, 300ms, 300ms}) {
    const auto wait = retry.next_wait(Code::unavailable, std::nullopt, kLong);
    REQUIRE(wait);
    CHECK(*wait >= least);
    CHECK(*wait <= least * 5 / 4);
  }
}

TEST_CASE("no wait goes beyond the deadline", "[client]") {
  CHECK_FALSE(policy().next_wait(Code::unavailable, "200", 199ms));
  CHECK_FALSE(policy().next_wait(Code::unavailable, std::nullopt, -5ms));
  CHECK_FALSE(policy().next_wait(Code::unavailable, "9223372036854775807", kLong));
}

TEST_CASE("a budget bounds all waits of a call, and so the attempts, even for hints of 0", "[client]") {
  RetryPolicy retry = policy({50ms, 2s, 1s});
  std::chrono::milliseconds waited{0};
  int attempts = 0;
  while (const auto wait = retry.next_wait(Code::resource_exhausted, "0", kLong)) {
    waited += *wait;
    REQUIRE(++attempts <= 100);
  }
  CHECK(waited <= 1s);
  CHECK(attempts >= 80);
  CHECK_FALSE(policy({50ms, 2s, 0ms}).next_wait(Code::unavailable, std::nullopt, kLong));
}
