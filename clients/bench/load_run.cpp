#include "clients/bench/load_run.h"

#include "clients/bench/agenda.h"
#include "clients/bench/arrivals.h"

#include <algorithm>
#include <mutex>
#include <random>
#include <utility>

namespace helix::bench {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::chrono::milliseconds kPause{100};  // of a client that was refused without a hint

/// A request under way.
struct Sent {
  const Payload& payload;
  int client;
  Clock::time_point due, deadline;
  std::stop_token stop;
};

/// Which payload comes next, and which requests are cancelled when: the same for a seed.
class Choice {
 public:
  Choice(const LoadOptions& options, std::size_t n_payloads) : options_(options), random_(options.seed) {
    if (options.weights.empty()) turns_ = n_payloads;
    double sum = 0;
    for (const double weight : options.weights) upto_.push_back(sum += weight);
  }

  std::size_t payload() {
    if (turns_ > 0) return next_++ % turns_;
    const double x = uniform(random_) * upto_.back();
    const auto found = std::upper_bound(upto_.begin(), upto_.end(), x) - upto_.begin();
    return std::min(static_cast<std::size_t>(found), upto_.size() - 1);
  }

  /// Nothing: not to be cancelled.
  std::optional<nanoseconds> cancel_after() {
    if (options_.cancel <= 0 || uniform(random_) >= options_.cancel) return std::nullopt;
    return nanoseconds(
        static_cast<std::int64_t>(uniform(random_) * static_cast<double>(options_.cancel_within.count())));
  }

 private:
  const LoadOptions& options_;
  std::mt19937_64 random_;
  std::vector<double> upto_;
  std::size_t turns_ = 0, next_ = 0;
};

class LoadRun {
 public:
  LoadRun(Target& target, const std::vector<Payload>& payloads, const LoadOptions& options, const LoadHooks& hooks)
      : target_(target),
        payloads_(payloads),
        options_(options),
        hooks_(hooks),
        choice_(options, payloads.size()),
        arrivals_(options.rate, options.seed) {}

  LoadResult run() {
    begin_ = start_ + options_.warm_up;
    end_ = begin_ + options_.duration;
    result_.seconds = std::chrono::duration<double>(options_.duration).count();
    result_.time_line.resize(static_cast<std::size_t>((options_.duration + seconds(1) - nanoseconds(1)) / seconds(1)));
    agenda_.at(begin_, hooks_.begins);
    for (std::size_t i = 0; i < result_.time_line.size(); ++i)
      agenda_.at(std::min(end_, begin_ + seconds(i + 1)), [this, i] { hooks_.each_second(second(i)); });
    agenda_.at(end_, [this] { stop_sending(); });
    if (options_.rate > 0)
      next_arrival();
    else
      for (int client = 0; client < options_.clients; ++client) send(client, start_);
    agenda_.run();
    const std::scoped_lock lock(mutex_);  // whoever said that this is the end is out of it
    sum_up();
    return std::move(result_);
  }

 private:
  Second second(std::size_t i) {
    const std::scoped_lock lock(mutex_);
    if (i == second_) sum_up();
    return result_.time_line[i];
  }

  void stop_sending() {
    {
      const std::scoped_lock lock(mutex_);
      sending_ = false;
    }
    hooks_.ends();
    const std::scoped_lock lock(mutex_);
    if (busy_ == 0) agenda_.end();
  }

  void next_arrival() {
    const Clock::time_point due = start_ + arrivals_.next();
    if (due >= end_) return;
    agenda_.at(due, [this, due] {
      if (Clock::now() >= end_) return leave_out(due);
      send(arrived_++ % options_.connections, due);
      next_arrival();
    });
  }

  /// The measurement is over and this client has fallen behind: this arrival and those after it are only counted.
  void leave_out(Clock::time_point due) {
    std::int64_t n = 0;
    for (; due < end_; due = start_ + arrivals_.next()) n += measured(due) ? 1 : 0;
    const std::scoped_lock lock(mutex_);
    result_.not_sent = n;
  }

  /// What is due when the measurement is over is not sent.
  void send(int client, Clock::time_point due) {
    std::stop_source stop(std::nostopstate);
    std::optional<nanoseconds> cancel_after;
    std::size_t chosen = 0;
    const Clock::time_point now = Clock::now();
    {
      const std::scoped_lock lock(mutex_);
      if (!sending_ || due >= end_) return;
      chosen = choice_.payload();
      cancel_after = choice_.cancel_after();
      ++result_.sent_in_all;
      ++busy_;
      ++under_way_;
      result_.most_under_way = std::max(result_.most_under_way, under_way_);
      if (measured(due)) {
        ++result_.sent;
        ++result_.time_line[second_of(due)].sent;
        result_.lag.add(now - due);
      }
    }
    if (cancel_after) {
      stop = std::stop_source();
      agenda_.at(now + *cancel_after, [stop]() mutable { stop.request_stop(); });
    }
    const Sent sent{payloads_[chosen], client, due, now + options_.deadline, stop.get_token()};
    target_.send(sent.payload, client, sent.deadline, sent.stop,
                 [this, sent](Reply reply) { ended(sent, std::move(reply)); });
  }

  /// Nothing of this run may be touched after the last one has ended. An exception would be lost in gRPC, and the run
  /// never end: it ends the process.
  void ended(const Sent& sent, Reply reply) noexcept {
    const Clock::time_point now = Clock::now();
    // Nobody here cancelled it: a server that ended did.
    if (reply.code == grpc::StatusCode::CANCELLED && !sent.stop.stop_requested())
      reply.code = grpc::StatusCode::UNAVAILABLE;
    {
      const std::scoped_lock lock(mutex_);
      record(sent, reply, now);
      --under_way_;
    }
    if (options_.rate <= 0) send_next(sent, reply, now);
    const std::scoped_lock lock(mutex_);
    if (--busy_ == 0 && !sending_) agenda_.end();
  }

  /// A refusal is followed by a pause; so is a deadline that the server saw it could not meet, before it passed.
  void send_next(const Sent& sent, const Reply& reply, Clock::time_point now) {
    const bool expired = reply.code == grpc::StatusCode::DEADLINE_EXCEEDED && now >= sent.deadline;
    if (reply.code == grpc::StatusCode::OK || reply.code == grpc::StatusCode::CANCELLED || expired)
      return send(sent.client, now);
    const Clock::time_point later = now + reply.pushback.value_or(kPause);
    agenda_.at(later, [this, client = sent.client, later] { send(client, later); });
  }

  void record(const Sent& sent, const Reply& reply, Clock::time_point now) {
    const bool ok = reply.code == grpc::StatusCode::OK;
    if (reply.differs && result_.differ_in_all++ == 0)
      result_.first_difference = sent.payload.name + ": " + reply.error;
    if (measured(sent.due)) {
      CodeCount& code = result_.codes[reply.code];
      if (code.count++ == 0) code.first_error = reply.error;
      code.latency.add(now - sent.due);
      if (ok) record_times(sent.payload, reply.time);
    }
    if (!measured(now)) return;
    Second& second = this_second(now);
    ++(ok ? second.ok : second.failed);
    if (!ok) return;
    latency_.add(now - sent.due);
    ++result_.ok;
    result_.events += sent.payload.events();
    result_.hits += sent.payload.hits();
  }

  /// Where an answer that came now is counted. Of a second that is over only figures are kept, as there may be many.
  Second& this_second(Clock::time_point now) {
    for (const std::size_t current = second_of(now); second_ < current; ++second_) {
      sum_up();
      latency_ = Latencies();
    }
    return result_.time_line[second_];
  }

  void sum_up() {
    Second& second = result_.time_line[second_];
    second.p50 = latency_.quantile(0.5);
    second.p99 = latency_.quantile(0.99);
    second.max = latency_.max();
  }

  /// Each answer of a batch says what all of it took, so it counts by its part of the events.
  void record_times(const Payload& payload, const TimeSplit& time) {
    ServerTimes& server = result_.server;
    server.queue.add(time.queue);
    server.batch.add(time.batch);
    server.copy_in.add(time.copy_in);
    server.compute.add(time.compute);
    server.copy_out.add(time.copy_out);
    server.batch_events += time.batch_events;
    const auto own = static_cast<double>(payload.events()), all = static_cast<double>(time.batch_events);
    result_.service.add(time.batch_hits, milliseconds(time.batch + time.copy_in + time.compute + time.copy_out),
                        own / std::max(own, all));
  }

  bool measured(Clock::time_point time) const { return time >= begin_ && time < end_; }
  std::size_t second_of(Clock::time_point time) const { return static_cast<std::size_t>((time - begin_) / seconds(1)); }

  Target& target_;
  const std::vector<Payload>& payloads_;
  const LoadOptions& options_;
  const LoadHooks& hooks_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point begin_, end_;
  Agenda agenda_;

  std::mutex mutex_;  // guards what follows
  Choice choice_;
  bool sending_ = true;
  std::int64_t under_way_ = 0;  // requests
  std::int64_t busy_ = 0;       // these, and calls of `ended` that go on
  LoadResult result_;
  std::size_t second_ = 0;  // of the time line, the last that was answered in
  Latencies latency_;       // of its answers

  Arrivals arrivals_;  // the agenda's
  int arrived_ = 0;
};

}  // namespace

const Latencies& LoadResult::latency() const {
  static const Latencies none;
  const auto found = codes.find(grpc::StatusCode::OK);
  return found == codes.end() ? none : found->second.latency;
}

LoadResult run_load(Target& target, const std::vector<Payload>& payloads, const LoadOptions& options,
                    const LoadHooks& hooks) {
  return LoadRun(target, payloads, options, hooks).run();
}

}  // namespace helix::bench
