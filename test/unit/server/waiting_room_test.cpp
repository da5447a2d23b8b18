// Who is next: classes, fair shares, deadlines, and that nothing is starved. Time is a number.
#include "server/batching/waiting_room.h"

#include "server/batching/client_weights.h"
#include "test/support/someone.h"

#include <catch2/catch.hpp>

#include <deque>
#include <random>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;

namespace {

struct Room : WaitingRoom {
  explicit Room(RoomOptions options = {}) : WaitingRoom(std::move(options)) {}

  Someone& come(RequestFacts facts, Clock::time_point now = kStart) {
    people.emplace_back(std::move(facts));
    add(people.back(), now);
    return people.back();
  }
  /// The names of those taken, one at a time.
  std::string next(int n, Clock::time_point now = kStart) {
    std::string names;
    for (int i = 0; i < n; ++i)
      for (const Waiter* waiter : take(now, [](const Waiter&) { return Verdict::full; }).batch)
        names += waiter->facts().client;
    return names;
  }
  std::deque<Someone> people;
};

RequestFacts of(const std::string& client, double hits = 1000, int priority = kNormal) {
  return {.work = Work::of(1, hits), .priority = priority, .client = client, .arrived = kStart};
}

}  // namespace

TEST_CASE("room: classes go one before the other") {
  Room room;
  room.come(of("b", 10, kBulk));
  room.come(of("n", 10, kNormal));
  room.come(of("i", 10, kInteractive));
  CHECK(room.next(3) == "inb");
  CHECK(room.empty());
}

TEST_CASE("room: a class that waits long enough rises, so that none is starved") {
  Room room({.ageing = 10s});
  room.come(of("b", 10, kBulk));
  for (int second = 0; second < 19; ++second) {
    room.come(of("i", 10, kInteractive), kStart + second * 1s);
    CHECK(room.next(1, kStart + second * 1s) == "i");
  }
  // at 20 s it is interactive, and its client has had least of that class
  room.come(of("i", 10, kInteractive), kStart + 20s);
  CHECK(room.next(1, kStart + 20s) == "b");
}

TEST_CASE("room: without ageing classes are strict") {
  Room room({.ageing = 0s});
  room.come(of("b", 10, kBulk));
  room.come(of("i", 10, kInteractive), kStart + 24h);
  CHECK(room.next(2, kStart + 24h) == "ib");
}

TEST_CASE("room: clients get equal shares of hits, not of requests") {
  Room room;
  for (int i = 0; i < 100; ++i) room.come(of("s", 1000));
  for (int i = 0; i < 100; ++i) room.come(of("L", 10000));
  const std::string taken = room.next(55);
  CHECK(std::count(taken.begin(), taken.end(), 'L') == Approx(5).margin(1));
}

TEST_CASE("room: shares follow weights") {
  Room room({.weights = *parse_client_weights("a:3, c:0.5")});
  for (int i = 0; i < 200; ++i)
    for (const char* client : {"a", "b", "c"}) room.come(of(client));
  const std::string taken = room.next(180);
  CHECK(std::count(taken.begin(), taken.end(), 'a') == Approx(120).margin(2));
  CHECK(std::count(taken.begin(), taken.end(), 'b') == Approx(40).margin(2));
  CHECK(std::count(taken.begin(), taken.end(), 'c') == Approx(20).margin(2));
}

TEST_CASE("room: who comes later owes nothing, and is owed a little at most") {
  Room room;
  for (int i = 0; i < 100; ++i) room.come(of("a", 100'000));
  CHECK(room.next(50) == std::string(50, 'a'));
  for (int i = 0; i < 100; ++i) room.come(of("b", 100'000));
  CHECK(room.next(3) == "bbb");  // what a client may save up
  const std::string taken = room.next(40);
  CHECK(std::count(taken.begin(), taken.end(), 'a') == Approx(20).margin(1));
}

TEST_CASE("room: a client that has one request at a time does not get more than its share by it") {
  Room room;
  for (int i = 0; i < 200; ++i) room.come(of("a", 1000));
  double a = 0, b = 0;
  room.come(of("b", 10000));
  for (int i = 0; i < 110; ++i) {
    const std::string next = room.next(1);
    (next == "a" ? a : b) += next == "a" ? 1000 : 10000;
    if (next == "b") room.come(of("b", 10000));
  }
  CHECK(b / a == Approx(1).margin(0.2));
}

TEST_CASE("room: within a client the earliest deadline is first, then arrival") {
  Room room;
  const auto due = [](double hits, Clock::duration after) {
    RequestFacts facts = of("a", hits);
    facts.deadline = kStart + after;
    return facts;
  };
  room.come(of("a", 1));  // no deadline
  room.come(due(2, 30s));
  room.come(due(3, 10s));
  room.come(due(4, 20s));
  room.come(due(5, 10s));
  std::vector<double> hits;
  while (!room.empty())
    hits.push_back(room.take(kStart, [](const Waiter&) { return Room::Verdict::full; }).batch[0]->facts().work.hits);
  CHECK(hits == std::vector<double>{3, 5, 4, 2, 1});
}

TEST_CASE("room: what does not fit is passed over, and is first in the next batch") {
  Room room;
  room.come(of("a", 10));
  room.come(of("b", 1000));
  room.come(of("c", 10));
  room.come(of("d", 10));
  double sum = 0;
  const auto small = [&](const Waiter& waiter) {
    if (sum > 0 && sum + waiter.facts().work.hits > 100) return Room::Verdict::skip;
    sum += waiter.facts().work.hits;
    return Room::Verdict::take;
  };
  CHECK(room.take(kStart, small).batch.size() == 3);
  room.come(of("e", 10));
  sum = 0;
  const auto next = room.take(kStart, small).batch;
  REQUIRE(next.size() == 1);
  CHECK(next[0]->facts().client == "b");
}

TEST_CASE("room: one that no batch holds runs alone") {
  Room room;
  for (int i = 0; i < 3; ++i) room.come(of("a", 1000));
  for (int i = 0; i < 3; ++i)
    CHECK(room.take(kStart, [](const Waiter&) { return Room::Verdict::skip; }).batch.size() == 1);
}

TEST_CASE("room: a batch is filled from the classes behind, with the same columns") {
  Room room;
  room.come(of("b", 10, kBulk));
  RequestFacts other = of("n", 10, kNormal);
  other.columns = 5;
  room.come(other);
  room.come(of("i", 10, kInteractive));
  const auto batch = room.take(kStart, [](const Waiter&) { return Room::Verdict::take; }).batch;
  REQUIRE(batch.size() == 2);
  CHECK(batch[0]->facts().client == "i");
  CHECK(batch[1]->facts().client == "b");
  CHECK(room.next(1) == "n");
}

TEST_CASE("room: those whose deadline has passed are found, those removed are gone") {
  Room room;
  RequestFacts facts = of("a");
  facts.deadline = kStart + 1s;
  Someone& late = room.come(facts);
  Someone& gone = room.come(facts);
  room.come(of("b"));
  room.remove(gone);
  room.remove(gone);
  CHECK(room.take_expired(kStart + 999ms) == nullptr);
  CHECK(room.take_expired(kStart + 1s) == &late);
  CHECK(room.take_expired(kStart + 1s) == nullptr);
  CHECK(room.size() == 1);
}

TEST_CASE("room: clients are forgotten when they have nothing waiting") {
  Room room;
  for (int i = 0; i < 100; ++i) room.come(of("a"));
  for (int i = 0; i < 5000; ++i) {
    room.come(of("client" + std::to_string(i), 1e6));
    room.next(1);
  }
  CHECK(room.clients() < 1200);  // some are remembered, as they had more than their share
  while (!room.empty()) room.next(1);
  CHECK(room.clients() == 0);
}

TEST_CASE("room: what goes before a request is estimated by shares and deadlines") {
  Room room;
  for (int i = 0; i < 10; ++i) room.come(of("heavy", 1000));
  room.come(of("x", 500, kInteractive));
  CHECK(room.ahead_of(of("heavy", 1000)).hits == Approx(10500));
  CHECK(room.ahead_of(of("light", 1000)).hits == Approx(1500));  // x, and as much of heavy's as of its own
  CHECK(room.ahead_of(of("x", 100, kInteractive)).hits == Approx(500));
  RequestFacts urgent = of("heavy", 1000);
  urgent.deadline = kStart + 1s;
  CHECK(room.ahead_of(urgent).hits == Approx(500));
}

TEST_CASE("room: whatever is done, sums are right and each is taken once") {
  std::mt19937 random(5);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  Room room({.ageing = 50ms});
  std::vector<Waiter*> inside, outside;
  for (int step = 0; step < 20000; ++step) {
    const Clock::time_point now = kStart + step * 1ms;
    const int what = pick(10);
    if (what < 5) {
      RequestFacts facts = of(std::string(1, static_cast<char>('a' + pick(5))), pick(1000), pick(3));
      facts.columns = static_cast<std::uint32_t>(pick(3));
      facts.bytes = static_cast<std::size_t>(pick(100));
      if (pick(2) == 0) facts.deadline = now + pick(100) * 1ms;
      inside.push_back(&room.come(facts, now));
    } else if (what < 7) {
      int left = 1 + pick(5);
      const auto [batch, dropped] = room.take(now, [&](const Waiter&) {
        return pick(8) == 0   ? Room::Verdict::drop
               : pick(4) == 0 ? Room::Verdict::skip
               : --left > 0   ? Room::Verdict::take
                              : Room::Verdict::full;
      });
      for (Waiter* waiter : dropped) REQUIRE(std::erase(inside, waiter) == 1);
      CHECK(batch.empty() == inside.empty());
      for (Waiter* waiter : batch) {
        REQUIRE(std::erase(inside, waiter) == 1);
        CHECK(waiter->facts().columns == batch[0]->facts().columns);
        outside.push_back(waiter);
      }
    } else if (what == 7) {
      while (Waiter* waiter = room.take_expired(now)) REQUIRE(std::erase(inside, waiter) == 1);
    } else if (what == 8 && !outside.empty()) {
      room.put_back(*outside.back(), now);
      inside.push_back(outside.back());
      outside.pop_back();
    } else if (what == 9 && !inside.empty()) {
      Waiter* waiter = inside[static_cast<std::size_t>(pick(static_cast<int>(inside.size())))];
      room.remove(*waiter);
      std::erase(inside, waiter);
    }
    double hits = 0;
    std::size_t bytes = 0;
    for (const Waiter* waiter : inside) hits += waiter->facts().work.hits, bytes += waiter->facts().bytes;
    REQUIRE(room.size() == inside.size());
    REQUIRE(room.bytes() == bytes);
    REQUIRE(room.work().hits == Approx(hits).margin(1e-6));
    REQUIRE(room.clients() <= 15);
  }
  CHECK(room.take_all().size() == inside.size());
  CHECK(room.clients() == 0);
}

TEST_CASE("weights of clients are read, and what is wrong is named") {
  const auto weights = parse_client_weights(" alice:2, ipv4:10.0.0.1 : 0.5 ");
  REQUIRE(weights.ok());
  CHECK(weights->at("alice") == 2);
  CHECK(weights->at("ipv4:10.0.0.1") == 0.5);
  CHECK(parse_client_weights("  ")->empty());
  for (const char* wrong :
       {"alice", "alice:", ":2", "alice:2x", "alice:0", "alice:1e9", "a:1,,b:2", "a:1,a:2", "a:nan"}) {
    const auto parsed = parse_client_weights(wrong);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.status().code() == Code::invalid_argument);
    CHECK_THAT(parsed.status().message(), Catch::StartsWith("queue.client_weights: "));
  }
}
