#include "server/simulation/simulation.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <queue>
#include <random>
#include <unordered_map>

namespace helix::server::simulation {
namespace {

constexpr double kLongestRetryMs = 60000;  // as of the server

struct Client {
  std::size_t group;
  std::string name;
};

/// A request of a client, whose first attempt was at `begun`.
class Modelled final : public Waiter {
 public:
  Modelled(RequestFacts facts, std::size_t of, Clock::time_point first, Ticket place)
      : Waiter(std::move(facts)), client(of), begun(first), ticket(std::move(place)) {}
  const std::size_t client;
  const Clock::time_point begun;
  Ticket ticket;
};

/// A request on its way to the server, perhaps again.
struct Attempt {
  std::size_t client;
  double hits;
  Clock::time_point begun, deadline;
};

struct Event {
  enum class Kind { arrival, lane_done, wake };
  Clock::time_point time;
  std::uint64_t number;  // those of one time happen in the order in which they were made
  Kind kind;
  std::size_t what;  // row of attempts or batches
  bool operator<(const Event& other) const {
    return time != other.time ? time > other.time : number > other.number;  // the earliest on top
  }
};

double quantile(std::vector<double>& values, double q) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void summarise(std::vector<double>& latencies, GroupReport& report) {
  report.p50_ms = quantile(latencies, 0.5);
  report.p90_ms = quantile(latencies, 0.9);
  report.p99_ms = quantile(latencies, 0.99);
}

/// Values that are used for a while, in rows that are used again.
template <class T>
class Slots {
 public:
  std::size_t put(T value) {
    if (free_.empty()) {
      rows_.push_back(std::move(value));
      return rows_.size() - 1;
    }
    const std::size_t row = free_.back();
    free_.pop_back();
    rows_[row] = std::move(value);
    return row;
  }
  T take(std::size_t row) {
    free_.push_back(row);
    return std::move(rows_[row]);
  }

 private:
  std::deque<T> rows_;
  std::vector<std::size_t> free_;
};

class Simulation {
 public:
  explicit Simulation(const Scenario& scenario)
      : scenario_(scenario),
        random_(scenario.seed),
        admission_(scenario.budget),
        batcher_(scenario.batcher, scenario.lanes),
        measured_from_(Clock::time_point{} + from_ms(1000 * scenario.warm_up_seconds)),
        end_(measured_from_ + from_ms(1000 * scenario.seconds)),
        latencies_(scenario.groups.size()) {
    report_.groups.resize(scenario.groups.size());
    for (std::size_t group = 0; group < scenario.groups.size(); ++group) begin(group);
  }

  Report run() {
    while (!events_.empty() && events_.top().time < end_) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.time;
      if (event.kind == Event::Kind::arrival) arrive(attempts_.take(event.what));
      if (event.kind == Event::Kind::lane_done) finish(batches_.take(event.what));
      dispatch();
    }
    return summary();
  }

 private:
  struct Running {
    std::uint64_t run = 0;
    std::vector<std::unique_ptr<Modelled>> requests{};
    Work work{};
    Clock::time_point began{};
  };

  void begin(std::size_t group) {
    const ClientGroup& of = scenario_.groups[group];
    for (int i = 0; i < of.clients; ++i) {
      const std::string own = "client " + std::to_string(group) + "." + std::to_string(i);
      clients_.push_back({group, of.name.empty() ? own : of.name});
      next_request(clients_.size() - 1, pause(of) + (of.rate > 0 ? 0 : uniform() * scenario_.lane.fixed_ms));
    }
  }

  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  double exponential(double mean) { return mean > 0 ? -mean * std::log1p(-uniform()) : 0; }
  double pause(const ClientGroup& of) {
    return of.rate > 0 ? exponential(1000 * of.clients / of.rate) : exponential(of.think_ms);
  }

  double size_of(const ClientGroup& of) {
    double all = 0;
    for (const SizeShare& size : of.sizes) all += size.share;
    double left = uniform() * all;
    for (const SizeShare& size : of.sizes)
      if ((left -= size.share) < 0) return size.hits;
    return of.sizes.back().hits;
  }

  void push(Clock::time_point time, Event::Kind kind, std::size_t what) {
    events_.push({time, next_number_++, kind, what});
  }

  void next_request(std::size_t client, double after_ms) {
    const ClientGroup& of = scenario_.groups[clients_[client].group];
    const Clock::time_point begun = now_ + from_ms(after_ms);
    const Clock::time_point deadline = of.deadline_ms > 0 ? begun + from_ms(of.deadline_ms) : Clock::time_point::max();
    push(begun, Event::Kind::arrival, attempts_.put({client, size_of(of), begun, deadline}));
  }

  GroupReport& report_of(std::size_t client) { return report_.groups[clients_[client].group]; }
  bool measured(Clock::time_point begun) const { return begun >= measured_from_; }

  void arrive(const Attempt& attempt) {
    const ClientGroup& of = scenario_.groups[clients_[attempt.client].group];
    if (of.rate > 0 && attempt.begun == now_) next_request(attempt.client, pause(of));
    GroupReport& report = report_of(attempt.client);
    if (attempt.begun == now_) report.sent += measured(attempt.begun);
    const RequestFacts facts{.work = Work::of(1, attempt.hits),
                             .bytes = static_cast<std::size_t>(attempt.hits * scenario_.bytes_per_hit),
                             .priority = of.priority,
                             .client = clients_[attempt.client].name,
                             .arrived = now_,
                             .deadline = attempt.deadline};
    drop_expired();
    Result<Ticket> ticket = admission_.admit({facts.client, facts.priority, facts.bytes});
    if (!ticket.ok()) {
      report.full += measured(attempt.begun);
      return turned_away(attempt);
    }
    if (!batcher_.meets_deadline(facts, now_).ok()) {
      report.hopeless += measured(attempt.begun);
      return gone(attempt.client);
    }
    auto request = std::make_unique<Modelled>(facts, attempt.client, attempt.begun, *std::move(ticket));
    batcher_.add(*request, now_);
    waiting_.emplace(request.get(), std::move(request));
    report_.most_waiting = std::max(report_.most_waiting, batcher_.room().size());
  }

  /// As the client library does where the server says when to come again.
  void turned_away(const Attempt& attempt) {
    const ClientGroup& of = scenario_.groups[clients_[attempt.client].group];
    if (of.rate > 0) return;
    if (!of.retry) return next_request(attempt.client, scenario_.least_retry_ms + pause(of));
    const double told = std::clamp(in_ms(batcher_.backlog(now_)), scenario_.least_retry_ms, kLongestRetryMs);
    const Clock::time_point again = now_ + from_ms(told * (1 + uniform() / 4));
    if (again >= attempt.deadline) return gone(attempt.client);
    push(again, Event::Kind::arrival, attempts_.put(attempt));
  }

  /// A client of a closed loop has its answer, whatever it was.
  void gone(std::size_t client) {
    const ClientGroup& of = scenario_.groups[clients_[client].group];
    if (of.rate > 0) return;
    next_request(client, pause(of) + (of.think_ms > 0 ? 0 : 1e-3));
  }

  void drop_expired() {
    while (Waiter* waiter = batcher_.take_expired(now_)) expire(waiter);
  }

  void expire(Waiter* waiter) {
    const auto request = own(waiter);
    report_of(request->client).expired += measured(request->begun);
    gone(request->client);
  }

  std::unique_ptr<Modelled> own(Waiter* waiter) { return std::move(waiting_.extract(waiter).mapped()); }

  void dispatch() {
    drop_expired();
    while (batcher_.running() < scenario_.lanes) {
      const Batcher::Taken taken = batcher_.take(now_);
      if (taken.wait_until && (!wake_at_ || *wake_at_ <= now_ || *taken.wait_until < *wake_at_)) {
        wake_at_ = taken.wait_until;
        push(*wake_at_, Event::Kind::wake, 0);
      }
      for (Waiter* waiter : taken.late) expire(waiter);
      if (taken.batch.empty()) return;
      start(taken);
    }
  }

  void start(const Batcher::Taken& taken) {
    Running running{.run = taken.run, .began = now_};
    for (Waiter* waiter : taken.batch) {
      running.work += waiter->facts().work;
      running.requests.push_back(own(waiter));
    }
    const double ms = scenario_.lane.fixed_ms + scenario_.lane.per_kilohit_ms * running.work.hits / 1000;
    if (measured(now_)) {
      ++n_batches_;
      n_events_ += running.work.events;
      used_ms_ += std::min(ms, in_ms(end_ - now_));
    }
    push(now_ + from_ms(ms), Event::Kind::lane_done, batches_.put(std::move(running)));
  }

  void finish(Running running) {
    const Clock::duration time = now_ - running.began;
    batcher_.over(running.run);
    batcher_.learn(running.work, time, 0);
    for (auto& request : running.requests) {
      batcher_.answered(request->facts(), now_, time);
      count(*request);
      request->ticket.release();
      gone(request->client);
    }
  }

  void count(const Modelled& request) {
    if (now_ >= measured_from_ && now_ < request.facts().deadline) {
      ++completed_in_time_;
      hits_ += request.facts().work.hits;
    }
    if (!measured(request.begun)) return;
    GroupReport& report = report_of(request.client);
    if (now_ >= request.facts().deadline) {
      ++report.late;
      return;
    }
    ++report.completed;
    latencies_[clients_[request.client].group].push_back(in_ms(now_ - request.begun));
  }

  Report summary() {
    std::vector<double> all;
    for (std::size_t group = 0; group < latencies_.size(); ++group) {
      GroupReport& of = report_.groups[group];
      summarise(latencies_[group], of);
      all.insert(all.end(), latencies_[group].begin(), latencies_[group].end());
      report_.all.sent += of.sent, report_.all.completed += of.completed, report_.all.late += of.late;
      report_.all.expired += of.expired, report_.all.full += of.full, report_.all.hopeless += of.hopeless;
    }
    summarise(all, report_.all);
    report_.requests_per_s = static_cast<double>(completed_in_time_) / scenario_.seconds;
    report_.hits_per_s = hits_ / scenario_.seconds;
    report_.lane_share = used_ms_ / (1000 * scenario_.seconds * scenario_.lanes);
    report_.batch_events = n_batches_ > 0 ? n_events_ / n_batches_ : 0;
    return std::move(report_);
  }

  const Scenario& scenario_;
  std::mt19937_64 random_;
  Admission admission_;  // outlives the tickets of the requests
  Batcher batcher_;
  const Clock::time_point measured_from_, end_;
  Clock::time_point now_{};
  std::vector<Client> clients_;
  std::priority_queue<Event> events_;
  std::uint64_t next_number_ = 0;
  Slots<Attempt> attempts_;
  Slots<Running> batches_;
  std::unordered_map<Waiter*, std::unique_ptr<Modelled>> waiting_;
  std::optional<Clock::time_point> wake_at_;
  std::vector<std::vector<double>> latencies_;  // ms, by group
  std::uint64_t completed_in_time_ = 0;
  double hits_ = 0, n_batches_ = 0, n_events_ = 0, used_ms_ = 0;
  Report report_;
};

}  // namespace

Report simulate(const Scenario& scenario) { return Simulation(scenario).run(); }

}  // namespace helix::server::simulation
