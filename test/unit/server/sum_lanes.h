#pragma once

// Lanes with a queue and an engine, and no gRPC: what the thread sanitizer can see all of.
#include "server/lanes/faults.h"
#include "server/lanes/lane_set.h"

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace helix::server::lane_test {

inline constexpr float kFailing = -1, kThrowing = -2, kMisshapen = -3, kLosing = -4;

/// One vertex an event, whose chi2 is the sum of the event's x.
class SumEngine : public Engine {
 public:
  Result<BatchResult> run(const HitBatch& batch) override {
    BatchResult result;
    result.tracks.event_offsets.assign(static_cast<std::size_t>(batch.n_events()) + 1, 0);
    result.vertices.event_offsets = {0};
    for (Index event = 0; event < batch.n_events(); ++event) {
      float sum = 0;
      for (Index hit = batch.events.begin(event); hit < batch.events.end(event); ++hit) {
        if (batch.x[hit] == kFailing) return resource_exhausted("too much");
        if (batch.x[hit] == kLosing) return unavailable("lost");
        if (batch.x[hit] == kThrowing) throw std::logic_error("a bug");
        if (batch.x[hit] == kMisshapen) return BatchResult{};
        sum += batch.x[hit];
      }
      result.vertices.chi2.push_back(sum);
      result.vertices.event_offsets.push_back(static_cast<Index>(result.vertices.chi2.size()));
    }
    result.counters.resize(static_cast<std::size_t>(batch.n_events()));
    return result;
  }
  std::string backend() const override { return "sum"; }
  std::string device() const override { return "sum"; }
};

/// A caller with its hits, one event; tells its end through a future.
class SumCaller : public Caller {
 public:
  explicit SumCaller(std::array<float, 2> x) : x_(x) {}

  std::unique_ptr<Request> request() {
    HitBatch hits;
    hits.x = hits.y = hits.z = {x_.data(), x_.size()};
    hits.module = {modules_.data(), modules_.size()};
    hits.events = {{offsets_.data(), offsets_.size()}};
    hits.beam_spot = {&spot_, 1};
    return std::make_unique<Request>(hits, RequestFacts{.arrived = Clock::now(), .deadline = deadline}, *this, Ticket(),
                                     memory);
  }

  Clock::time_point deadline = Clock::time_point::max();
  std::shared_ptr<const void> memory;
  std::atomic<bool> gone = false;
  bool cancelled() const override { return gone; }
  void answer(const Answer& answer, const Ended& ended) override {
    ended(Code::ok);
    sum = answer.result.vertices.chi2[answer.result.vertices.event_offsets[answer.first_event]];
    end_.set_value({});
  }
  void refuse(const Status& status) override { end_.set_value(status); }

  Status wait() {
    auto end = end_.get_future();
    if (end.wait_for(std::chrono::seconds(60)) != std::future_status::ready)
      return internal_error("no end within a minute");
    return end.get();
  }

  float sum = 0;  // after wait

 private:
  std::array<float, 2> x_;
  std::array<std::uint32_t, 2> modules_{};
  std::array<Index, 2> offsets_{0, 2};
  BeamSpot spot_;
  std::promise<Status> end_;
};

inline std::vector<std::unique_ptr<Engine>> sum_engines(int n, const FaultOptions& faults = {}) {
  std::vector<std::unique_ptr<Engine>> all;
  for (int i = 0; i < n; ++i) all.push_back(with_faults(std::make_unique<SumEngine>(), faults));
  return all;
}

/// Lanes on a queue.
struct Bench {
  explicit Bench(int n_lanes, const BatchLimits& limits = {}, const FaultOptions& faults = {},
                 Clock::duration watchdog = {})
      : Bench(sum_engines(n_lanes, faults), limits, watchdog) {}
  Bench(std::vector<std::unique_ptr<Engine>> engines, const BatchLimits& limits, Clock::duration watchdog)
      : queue({.limits = limits}), lanes(std::move(engines), queue, watchdog, [this] { lost = true; }) {}
  ~Bench() { queue.refuse_waiting(unavailable("end")); }

  Status push(SumCaller& caller) {
    auto request = caller.request();
    Status status = queue.push(request);
    if (!status.ok()) request->refuse(status);
    return status;
  }
  Status run(float x) {
    SumCaller caller({x, 1});
    if (Status status = push(caller); !status.ok()) return status;
    return caller.wait();
  }
  /// Waits for what is counted a little after the caller has its answer.
  bool idle() {
    for (int i = 0; i < 3000; ++i) {
      if (queue.stats().running == 0 && queue.waiting() == 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  RequestQueue queue;
  std::atomic<bool> lost = false;
  LaneSet lanes;
};

inline bool adds_up(const QueueStats& stats) {
  return stats.accepted == stats.completed + stats.cancelled + stats.expired + stats.failed;
}

}  // namespace helix::server::lane_test
