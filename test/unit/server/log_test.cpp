#include "server/observe/log.h"

#include "server/observe/rate_limit.h"

#include <catch2/catch.hpp>

using namespace helix::server;
using namespace std::chrono_literals;

TEST_CASE("a text line quotes what would break it") {
  CHECK(log::text_line("request.refused", {{"client", "ipv4:127.0.0.1:5"}, {"hits", 12}, {"full", true}}) ==
        "request.refused client=ipv4:127.0.0.1:5 hits=12 full=true");
  CHECK(log::text_line("e", {{"error", "a \"b\"\nevent=forged"}}) == "e error=\"a \\\"b\\\"\\u000aevent=forged\"");
  CHECK(log::text_line("e", {{"empty", ""}}) == "e empty=\"\"");
}

TEST_CASE("a JSON line keeps numbers as numbers and escapes the rest") {
  CHECK(log::json_line("T", log::Level::warn, "e", {{"n", -3}, {"ok", false}, {"text", "tab\there \\ \"q\""}}) ==
        R"({"time":"T","level":"warn","event":"e","n":-3,"ok":false,"text":"tab\u0009here \\ \"q\""})");
}

TEST_CASE("the rate limit lets a few a second through, of each kind, and counts the others") {
  RateLimit limit(2);
  const RateLimit::Time start{100s};
  CHECK(limit.pass("a", start) == 0);
  CHECK(limit.pass("a", start + 1ms) == 0);
  CHECK_FALSE(limit.pass("a", start + 2ms));
  CHECK_FALSE(limit.pass("a", start + 999ms));
  CHECK(limit.pass("b", start + 2ms) == 0);
  CHECK(limit.pass("a", start + 1s) == 2);
  CHECK(limit.pass("a", start + 1s) == 0);
  CHECK_FALSE(limit.pass("a", start + 1s));
}
