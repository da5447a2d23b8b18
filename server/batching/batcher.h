#pragma once

#include "kernels/core/status.h"
#include "server/batching/cost_model.h"
#include "server/batching/latency_target.h"
#include "server/batching/waiting_room.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace helix::server {

/// What one batch may hold. A request above that by itself runs alone.
struct BatchLimits {
  double max_events = 64, max_hits = 4e6;
  double max_bytes = 0;        // predicted; 0: no limit
  Clock::duration max_cost{};  // predicted; 0: no limit
  double overhead = 0.05;      // share of a batch's time that its fixed cost may be; 0: batches grow to the limits
  double side_by_side = 1;     // events that a lane computes at once: batches grow so far, whatever their fixed cost
  Clock::duration max_queue_delay{};  // a free lane waits so long for a fuller batch, if who waits can; 0: never
  double preferred_events = 32;       // full enough not to wait
  Clock::duration target_p99{};       // of arrival to answer; 0: none
};

struct BatcherOptions {
  RoomOptions room{};
  BatchLimits limits{};
};

/// The policy of a pipeline's queue: who waits, what a free lane takes, what that costs, and who comes too late. Lanes
/// pull, so the lane with the least work left is served first by construction.
///
/// Not thread-safe, and time is passed in: the server calls it under a lock, `helixctl plan` in virtual time.
class Batcher {
 public:
  Batcher(BatcherOptions options, int lanes);

  /// Whether the deadline can be met, by what waiting requests before it and it itself cost at least. Who finds a lane
  /// free and nobody waiting is let in whatever the estimate says, so that a wrong one is corrected. errors:
  /// deadline_exceeded, with the estimate
  Status meets_deadline(const RequestFacts& facts, Clock::time_point now) const;

  void add(Waiter& waiter, Clock::time_point now) { room_.add(waiter, now); }
  void put_back(Waiter& waiter, Clock::time_point now) { room_.put_back(waiter, now); }
  void remove(Waiter& waiter) { room_.remove(waiter); }
  Waiter* take_expired(Clock::time_point now) { return room_.take_expired(now); }
  std::vector<Waiter*> take_all() { return room_.take_all(); }

  struct Taken {
    std::vector<Waiter*> batch{};
    std::vector<Waiter*> late{};                    // whose deadline cannot be met any more
    std::uint64_t run = 0;                          // for over; 0: no batch
    std::optional<Clock::time_point> wait_until{};  // the batch is empty, but will not be then
  };
  /// A batch for a free lane. `hurry`: without max_queue_delay.
  Taken take(Clock::time_point now, bool hurry = false);

  /// The lane that took a batch is free again.
  void over(std::uint64_t run) { running_.erase(run); }
  /// A batch, or a part, was computed.
  void learn(const Work& work, Clock::duration time, std::size_t bytes);
  /// A batch did not fit into memory though each of its requests did.
  void too_large(const Work& work) { hits_that_fit_ = std::max(1.0, work.hits / 2); }
  /// A request was answered, whose batch took so long.
  void answered(const RequestFacts& facts, Clock::time_point now, Clock::duration batch) {
    if (facts.priority != kBulk) target_.observe(in_ms(now - facts.arrived), in_ms(batch));
  }
  void set_lanes(int in_service) { lanes_ = in_service; }

  /// Until what waits and runs now will be done, as far as is known.
  Clock::duration backlog(Clock::time_point now) const;

  const WaitingRoom& room() const { return room_; }
  const CostModel& cost() const { return cost_; }
  int lanes() const { return lanes_; }
  int running() const { return static_cast<int>(running_.size()); }
  /// What a batch may cost now, ms; infinity: no bound.
  double cost_bound_ms() const;

 private:
  class Filling;

  double limit_ms() const;
  double overhead_ms() const;

  struct Running {
    Clock::time_point begun{};
    Work work{};
  };

  double running_ms(Clock::time_point now, Estimate estimate) const;
  double waiting_ms(const Work& work, Estimate estimate) const;
  double batch_ms(const Work& waiting, double max_events, Estimate estimate) const;
  Clock::time_point must_begin_by() const;
  std::optional<Clock::time_point> delayed_until(Clock::time_point now) const;

  const BatchLimits limits_;
  int lanes_;
  WaitingRoom room_;
  CostModel cost_;
  LatencyTarget target_;
  double hits_that_fit_;
  std::unordered_map<std::uint64_t, Running> running_;
  std::uint64_t next_run_ = 1;
};

}  // namespace helix::server
