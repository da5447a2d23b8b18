#include "server/batching/batcher.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace helix::server {
namespace {

constexpr double kNoBound = std::numeric_limits<double>::infinity();
constexpr double kShortBatchMs = 2;  // nobody minds waiting for: batches need not be shorter to keep latency low
constexpr double kWorthwhile = 4;    // a deadline makes no batch shorter than so many times its fixed cost
constexpr double kMargin = 2;        // times its predicted cost a delayed batch has left: it and its lane may be late

std::string whole(double value) { return std::to_string(std::llround(value)); }

}  // namespace

/// A batch while it is being filled.
class Batcher::Filling {
 public:
  Filling(const Batcher& batcher, Clock::time_point now)
      : batcher_(batcher),
        now_(now),
        limit_ms_(batcher.limit_ms()),
        worthwhile_ms_(batcher.overhead_ms()),
        max_events_(batcher.limits_.max_events),
        waiting_(batcher.room_.size()) {
    // what waits is shared between the lanes that are free
    const int free = std::max(1, batcher.lanes_ - batcher.running());
    max_events_ = std::min(max_events_, std::ceil(batcher.room_.work().events / free));
    least_ms_ = batcher.batch_ms(batcher.room_.work(), max_events_, Estimate::least);
    least_fixed_ms_ = batcher.cost_.ms(Work{}, Estimate::least);
  }

  WaitingRoom::Verdict judge(const Waiter& waiter) {
    const RequestFacts& facts = waiter.facts();
    if (too_late(facts)) {
      ++dropped_;
      return WaitingRoom::Verdict::drop;
    }
    const bool first = !begun_, fits = this->fits(work_ + facts.work, bytes_ + facts.bytes) && !waiter.suspect();
    if (!first && !fits) return work_.events >= max_events_ ? WaitingRoom::Verdict::full : WaitingRoom::Verdict::skip;
    begun_ = true;
    work_ += facts.work;
    bytes_ += facts.bytes;
    keep_deadline(facts);
    return fits ? WaitingRoom::Verdict::take : WaitingRoom::Verdict::full;
  }

  const Work& work() const { return work_; }

 private:
  bool fits(const Work& work, std::size_t bytes) const {
    const BatchLimits& limits = batcher_.limits_;
    if (work.events > max_events_ || work.hits > std::min(limits.max_hits, batcher_.hits_that_fit_)) return false;
    const double needed = std::max(static_cast<double>(bytes), batcher_.cost_.bytes(work));
    if (limits.max_bytes > 0 && needed > limits.max_bytes) return false;
    const double ms = batcher_.cost_.ms(work);
    return ms <= limit_ms_ && (ms <= worthwhile_ms_ || work.events <= limits.side_by_side);
  }

  /// Whether the batch will end after its deadline, however short it is made for it. Never the last one, so that a
  /// wrong estimate is corrected.
  bool too_late(const RequestFacts& facts) const {
    if (facts.deadline == Clock::time_point::max() || !batcher_.cost_.trusted()) return false;
    if (!begun_ && dropped_ + 1 >= waiting_) return false;
    const double shortest = std::min(least_ms_, kWorthwhile * least_fixed_ms_);
    return in_ms(facts.deadline - now_) < std::max(shortest, batcher_.cost_.ms(facts.work, Estimate::least));
  }

  void keep_deadline(const RequestFacts& facts) {
    if (facts.deadline == Clock::time_point::max()) return;
    const double slack = in_ms(facts.deadline - now_);
    if (slack < batcher_.cost_.ms(facts.work)) return;  // late whatever is done
    limit_ms_ = std::min(limit_ms_, std::max(slack, kWorthwhile * batcher_.cost_.fixed_ms()));
  }

  const Batcher& batcher_;
  const Clock::time_point now_;
  double limit_ms_;
  const double worthwhile_ms_;  // more events make little more of the fixed cost
  double max_events_;
  double least_ms_;  // the whole batch, as things stand
  double least_fixed_ms_;
  Work work_{};
  std::size_t bytes_ = 0;
  bool begun_ = false;
  std::size_t dropped_ = 0, waiting_;
};

Batcher::Batcher(BatcherOptions options, int lanes)
    : limits_(options.limits),
      lanes_(lanes),
      room_(std::move(options.room)),
      target_(limits_.target_p99),
      hits_that_fit_(kNoBound) {}

double Batcher::limit_ms() const {
  double limit = kNoBound;
  if (limits_.max_cost > Clock::duration::zero()) limit = in_ms(limits_.max_cost);
  if (target_.bound_ms() > 0) limit = std::min(limit, target_.bound_ms());
  return limit;
}

double Batcher::overhead_ms() const {
  if (limits_.overhead <= 0 || !cost_.trusted()) return kNoBound;
  return std::max(kShortBatchMs, cost_.fixed_ms() / limits_.overhead);
}

double Batcher::cost_bound_ms() const { return std::min(limit_ms(), overhead_ms()); }

double Batcher::running_ms(Clock::time_point now, Estimate estimate) const {
  double sum = 0;
  for (const auto& [run, batch] : running_)
    sum += std::max(0.0, cost_.ms(batch.work, estimate) - in_ms(now - batch.begun));
  return sum;
}

/// The fixed cost is paid once a batch.
double Batcher::waiting_ms(const Work& work, Estimate estimate) const {
  if (work.events <= 0) return 0;
  const double fixed = cost_.fixed_ms(), variable = cost_.ms(work) - fixed, bound = cost_bound_ms();
  const double batches = std::max({1.0, work.events / limits_.max_events, work.hits / limits_.max_hits,
                                   bound > fixed ? variable / (bound - fixed) : work.events});
  return cost_.ms(work, estimate, batches);
}

/// A batch of these who wait.
double Batcher::batch_ms(const Work& waiting, double max_events, Estimate estimate) const {
  if (waiting.events <= 0) return 0;
  const double part = std::min({1.0, max_events / waiting.events, limits_.max_hits / std::max(1.0, waiting.hits)});
  const Work work{waiting.events * part, waiting.hits * part, waiting.pairs * part};
  return std::min(cost_.ms(work, estimate), cost_bound_ms());
}

Clock::duration Batcher::backlog(Clock::time_point now) const {
  constexpr Estimate kExpected = Estimate::expected;
  return from_ms((running_ms(now, kExpected) + waiting_ms(room_.work(), kExpected)) / std::max(1, lanes_));
}

Status Batcher::meets_deadline(const RequestFacts& facts, Clock::time_point now) const {
  if (facts.deadline <= now) return {Code::deadline_exceeded, "deadline passed before the request could wait"};
  if (facts.deadline == Clock::time_point::max() || !cost_.trusted()) return {};
  if (room_.empty() && running() < lanes_) return {};
  constexpr Estimate kLeast = Estimate::least;
  const double left = in_ms(facts.deadline - now);
  const double own = std::max(cost_.ms(facts.work, kLeast), batch_ms(room_.work(), limits_.max_events, kLeast));
  const double before = (running_ms(now, kLeast) + waiting_ms(room_.ahead_of(facts), kLeast)) / std::max(1, lanes_);
  if (before + own <= left) return {};
  return {Code::deadline_exceeded, "deadline in " + whole(left) + " ms cannot be met: at least " + whole(before) +
                                       " ms of work go before it and its batch takes " + whole(own) + " ms (" +
                                       std::to_string(room_.size()) +
                                       " requests wait, lanes in service: " + std::to_string(lanes_) + ")"};
}

/// When a batch of those who wait must begin to meet the earliest deadline.
Clock::time_point Batcher::must_begin_by() const {
  const Waiter* urgent = room_.most_urgent();
  if (urgent == nullptr) return Clock::time_point::max();
  if (!cost_.trusted()) return Clock::time_point::min();
  const double ms =
      std::max(batch_ms(room_.work(), limits_.max_events, Estimate::expected), cost_.ms(urgent->facts().work));
  return urgent->facts().deadline - from_ms(kMargin * ms);
}

std::optional<Clock::time_point> Batcher::delayed_until(Clock::time_point now) const {
  if (limits_.max_queue_delay == Clock::duration::zero() || room_.empty() || room_.any(kInteractive))
    return std::nullopt;
  const Work& work = room_.work();
  if (work.events >= std::min(limits_.preferred_events, limits_.max_events) || work.hits >= limits_.max_hits)
    return std::nullopt;
  const Clock::time_point until = std::min(room_.oldest()->facts().arrived + limits_.max_queue_delay, must_begin_by());
  return until > now ? std::optional(until) : std::nullopt;
}

Batcher::Taken Batcher::take(Clock::time_point now, bool hurry) {
  Taken taken;
  if (!hurry) taken.wait_until = delayed_until(now);
  if (taken.wait_until || room_.empty()) return taken;
  Filling filling(*this, now);
  WaitingRoom::Taken from_room = room_.take(now, [&](const Waiter& waiter) { return filling.judge(waiter); });
  taken.batch = std::move(from_room.batch);
  taken.late = std::move(from_room.dropped);
  taken.run = next_run_++;
  running_.emplace(taken.run, Running{now, filling.work()});
  return taken;
}

void Batcher::learn(const Work& work, Clock::duration time, std::size_t bytes) {
  cost_.observe(work, time, bytes);
  hits_that_fit_ *= 1.02;  // memory may be there again
}

}  // namespace helix::server
