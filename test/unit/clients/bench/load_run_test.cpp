// Load on targets of a script: what is counted, and that nothing is lost. Times are bounds of one side only.
#include "clients/bench/load_run.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

using namespace helix;
using namespace helix::bench;
using namespace std::chrono_literals;

namespace {

/// Answers on two threads of its own, each request after `delay`, in the order they came.
class ScriptTarget : public Target {
 public:
  using Script = std::function<Reply(int number)>;
  explicit ScriptTarget(Script script, std::chrono::milliseconds delay = 0ms)
      : script_(std::move(script)), delay_(delay) {
    for (auto& thread : threads_) thread = std::jthread([this](const std::stop_token& stop) { loop(stop); });
  }

  void send(const Payload& payload, int client, Clock::time_point, std::stop_token stop,
            std::function<void(Reply)> done) override {
    const std::scoped_lock lock(mutex_);
    names.push_back(payload.name);
    clients.push_back(client);
    waiting_.push_back({Clock::now() + delay_, static_cast<int>(names.size()) - 1, std::move(stop), std::move(done)});
    changed_.notify_one();
  }

  std::vector<std::string> names;  // of what was sent
  std::vector<int> clients;
  std::atomic<int> cancelled = 0;

 private:
  struct Waiting {
    Clock::time_point until;
    int number;
    std::stop_token stop;
    std::function<void(Reply)> done;
  };
  void loop(const std::stop_token& stop) {
    while (true) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      const Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      std::this_thread::sleep_until(next.until);
      if (next.stop.stop_requested()) ++cancelled;
      next.done(script_(next.number));
    }
  }

  const Script script_;
  const std::chrono::milliseconds delay_;
  std::mutex mutex_;  // guards what was sent, and waiting_
  std::condition_variable_any changed_;
  std::deque<Waiting> waiting_;
  std::array<std::jthread, 2> threads_;  // last: end first
};

Payload payload(std::string name, std::size_t n_events) {
  static const std::vector<float> x(6);
  static const std::vector<std::uint32_t> offsets{0, 2, 4, 6};
  Payload out;
  out.name = std::move(name);
  out.call.hits.x = Span<const float>(x).subspan(0, 2 * n_events);
  out.call.hits.event_offsets = Span<const std::uint32_t>(offsets).subspan(0, n_events + 1);
  return out;
}

LoadOptions quick() {
  LoadOptions options;
  options.duration = 200ms;
  options.deadline = 10s;
  return options;
}

std::int64_t ended(const LoadResult& result) {
  std::int64_t n = 0;
  for (const auto& [code, of_code] : result.codes) n += of_code.count;
  return n;
}

Reply answer(int) { return {}; }

Reply failure(grpc::StatusCode code) {
  Reply reply;
  reply.code = code;
  reply.error = "as the script says";
  return reply;
}

}  // namespace

TEST_CASE("closed loop: every request ends, is counted once, and payloads take turns") {
  ScriptTarget target(answer, 1ms);
  const std::vector<Payload> payloads{payload("a", 1), payload("b", 3)};
  LoadOptions options = quick();
  options.clients = 3;
  const LoadResult result = run_load(target, payloads, options);
  CHECK(result.sent > 0);
  CHECK(result.sent == ended(result));
  CHECK(result.sent_in_all == static_cast<std::int64_t>(target.names.size()));
  CHECK(result.most_under_way == 3);
  CHECK(result.ok <= result.sent);
  CHECK(result.hits == 2 * result.events);
  CHECK(result.latency().quantile(0) >= 1ms);
  // in turn, though two threads may send theirs in the other order
  const auto count = [&](const char* name) { return std::count(target.names.begin(), target.names.end(), name); };
  CHECK(count("a") >= count("b"));
  CHECK(count("a") <= count("b") + 1);
  for (const int client : target.clients) CHECK((client >= 0 && client < 3));
}

TEST_CASE("open loop: latency counts from the arrival, however slow the answers") {
  // All answers but the first wait for it behind one slow request on each thread.
  ScriptTarget target([](int number) {
    if (number < 2) std::this_thread::sleep_for(150ms);
    return Reply();
  });
  const std::vector<Payload> payloads{payload("a", 1)};
  LoadOptions options = quick();
  options.rate = 500;
  const LoadResult result = run_load(target, payloads, options);
  CHECK(result.sent > 20);
  CHECK(result.sent == ended(result));
  CHECK(result.most_under_way > 10);  // arrivals went on
  CHECK(result.latency().quantile(0.9) >= 20ms);
}

TEST_CASE("open loop: warm-up is load, but not counted") {
  ScriptTarget target(answer);
  const std::vector<Payload> payloads{payload("a", 1)};
  LoadOptions options = quick();
  options.rate = 1000;
  options.warm_up = 200ms;
  bool begun = false, over = false;
  LoadHooks hooks;
  hooks.begins = [&] { begun = true; };
  hooks.ends = [&] { over = begun; };
  const LoadResult result = run_load(target, payloads, options, hooks);
  CHECK(over);
  CHECK(result.sent < result.sent_in_all);
  CHECK(result.sent == ended(result));
  CHECK(result.time_line.size() == 1);
  CHECK(result.time_line[0].sent == result.sent);
}

TEST_CASE("open loop: what this client could not send in time is counted, and holds the end up no longer") {
  ScriptTarget target(answer);
  const std::vector<Payload> payloads{payload("a", 1)};
  LoadOptions options = quick();
  options.rate = 1e7;
  const LoadResult result = run_load(target, payloads, options);
  CHECK(result.sent == ended(result));
  CHECK(result.sent == result.sent_in_all);
  CHECK(result.not_sent > 0);
  CHECK(static_cast<double>(result.sent + result.not_sent) == Approx(2e6).epsilon(0.01));
}

TEST_CASE("nothing is sent after the measurement, however long those take who are told of its end") {
  ScriptTarget target(answer, 1ms);
  const std::vector<Payload> payloads{payload("a", 1)};
  LoadOptions options = quick();
  options.clients = 3;
  LoadHooks hooks;
  hooks.ends = [] { std::this_thread::sleep_for(20ms); };
  const LoadResult result = run_load(target, payloads, options, hooks);
  CHECK(result.sent == result.sent_in_all);  // there was no warm-up
  CHECK(result.sent == ended(result));
}

TEST_CASE("each second has its figures, and together they are the measurement") {
  ScriptTarget target(answer, 1ms);
  const std::vector<Payload> payloads{payload("a", 1)};
  LoadOptions options = quick();
  options.duration = 2500ms;
  std::vector<Second> told;
  LoadHooks hooks;
  hooks.each_second = [&](const Second& second) { told.push_back(second); };
  const LoadResult result = run_load(target, payloads, options, hooks);
  CHECK(told.size() == 3);
  REQUIRE(result.time_line.size() == 3);
  std::int64_t sent = 0, ok = 0;
  for (const Second& second : result.time_line) {
    sent += second.sent, ok += second.ok;
    CHECK(second.p50 >= 1ms);
    CHECK(second.p99 >= second.p50);
    CHECK(second.max >= second.p99);
    CHECK(second.max <= result.latency().max());
  }
  CHECK(sent == result.sent);
  CHECK(ok == result.ok);
}

TEST_CASE("failures are counted by code, with the first error") {
  ScriptTarget target(
      [](int number) { return number % 2 == 0 ? Reply() : failure(grpc::StatusCode::DEADLINE_EXCEEDED); });
  const std::vector<Payload> payloads{payload("a", 1)};
  const LoadResult result = run_load(target, payloads, quick());
  REQUIRE(result.codes.size() == 2);
  CHECK(result.codes.at(grpc::StatusCode::DEADLINE_EXCEEDED).count > 0);
  CHECK(result.codes.at(grpc::StatusCode::DEADLINE_EXCEEDED).first_error == "as the script says");
  CHECK(result.latency().count() == result.codes.at(grpc::StatusCode::OK).count);
}

TEST_CASE("a client that is refused waits for as long as the server says") {
  ScriptTarget target([](int) {
    Reply reply = failure(grpc::StatusCode::RESOURCE_EXHAUSTED);
    reply.pushback = 50ms;
    return reply;
  });
  const std::vector<Payload> payloads{payload("a", 1)};
  const LoadResult result = run_load(target, payloads, quick());
  CHECK(result.sent_in_all >= 1);
  CHECK(result.sent_in_all <= 5);  // 0, 50, 100, 150 ms and perhaps 200
  CHECK(result.ok == 0);
}

TEST_CASE("a client whose deadline cannot be met pauses too, as nothing was tried") {
  ScriptTarget target([](int) { return failure(grpc::StatusCode::DEADLINE_EXCEEDED); });
  const std::vector<Payload> payloads{payload("a", 1)};
  const LoadResult result = run_load(target, payloads, quick());
  CHECK(result.sent_in_all <= 3);  // 0, 100 and perhaps 200 ms
}

TEST_CASE("a client whose deadline passed goes on at once") {
  ScriptTarget target([](int) { return failure(grpc::StatusCode::DEADLINE_EXCEEDED); }, 2ms);
  const std::vector<Payload> payloads{payload("a", 1)};
  LoadOptions options = quick();
  options.deadline = 1ms;
  options.duration = 1s;  // 10 where it paused
  CHECK(run_load(target, payloads, options).sent_in_all > 20);
}

TEST_CASE("what was cancelled by others is a server that is gone") {
  ScriptTarget target([](int) { return failure(grpc::StatusCode::CANCELLED); });
  const std::vector<Payload> payloads{payload("a", 1)};
  const LoadResult result = run_load(target, payloads, quick());
  CHECK(result.codes.count(grpc::StatusCode::CANCELLED) == 0);
  CHECK(result.codes.at(grpc::StatusCode::UNAVAILABLE).count == result.sent);
}

TEST_CASE("answers that differ are counted, and the first is named") {
  ScriptTarget target([](int number) {
    Reply reply;
    reply.differs = number == 1;
    reply.error = reply.differs ? "differs" : "";
    return reply;
  });
  const std::vector<Payload> payloads{payload("a", 1), payload("b", 1)};
  const LoadResult result = run_load(target, payloads, quick());
  CHECK(result.differ_in_all == 1);
  CHECK(result.first_difference == "b: differs");
}

TEST_CASE("requests are cancelled while they are under way") {
  ScriptTarget target([](int) { return failure(grpc::StatusCode::CANCELLED); }, 20ms);
  const std::vector<Payload> payloads{payload("a", 1)};
  LoadOptions options = quick();
  options.clients = 4;
  options.cancel = 1;
  options.cancel_within = 1us;
  const LoadResult result = run_load(target, payloads, options);
  CHECK(target.cancelled > 0);
  CHECK(result.codes.at(grpc::StatusCode::CANCELLED).count > 0);
  CHECK(result.sent == ended(result));
}

TEST_CASE("payloads come by their weights") {
  ScriptTarget target(answer);
  const std::vector<Payload> payloads{payload("a", 1), payload("b", 1)};
  LoadOptions options = quick();
  options.weights = {1, 9};
  run_load(target, payloads, options);
  std::size_t rare = 0;
  for (const std::string& name : target.names) rare += name == "a" ? 1 : 0;
  const std::size_t n = target.names.size();
  REQUIRE(n > 100);
  CHECK(rare > n / 30);
  CHECK(rare < n / 4);
}

TEST_CASE("a batch counts once in the fit, however many answers it is") {
  ScriptTarget target([](int) {
    Reply reply;
    reply.time.compute = 6ms;
    reply.time.batch_events = 3;
    reply.time.batch_hits = 6;
    return reply;
  });
  const std::vector<Payload> payloads{payload("a", 1)};
  const LoadResult result = run_load(target, payloads, quick());
  REQUIRE(result.service.cost());
  CHECK(result.service.cost()->per_kilohit_ms == Approx(1000));
  CHECK(result.service.batches() == Approx(static_cast<double>(result.sent) / 3));
}
