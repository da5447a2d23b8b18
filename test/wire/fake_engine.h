#pragma once

#include "kernels/engine.h"
#include "server/lanes/engines.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace helix::wire_test {

/// What the engines of a test do, and what they were given. Shared by the test and the lanes.
class EngineScript {
 public:
  /// Batches wait before they are computed, until let_go. Bounded, so that a failing test ends.
  void hold();
  void let_go();
  /// Waits until so many batches have been given to engines; false after a while.
  bool wait_for_batches(std::size_t n);
  /// Events of each batch so far.
  std::vector<Index> batches() const;

  /// How engines made from now on warm up.
  void set_warm_up(Status answer);
  /// How many engines there are.
  int engines() const;

  /// A hit at this x makes the batch fail: with a status, an exception, or as a device that is lost.
  static constexpr float kFailing = 666, kThrowing = 667, kLosing = 668;

 private:
  friend class FakeEngine;
  void enter(Index n_events);
  void count_engine(int n);
  Status warm_up() const;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  bool held_ = false;
  std::vector<Index> batches_;
  Status warm_up_;
  int engines_ = 0;
};

/// One track an event, made of all its hits: chi2 is the sum of x, dz the beam spot's z; quality loose. One vertex an
/// event at the beam spot.
class FakeEngine : public Engine {
 public:
  explicit FakeEngine(EngineScript& script) : script_(script), warm_up_(script.warm_up()) { script_.count_engine(1); }
  ~FakeEngine() override { script_.count_engine(-1); }
  Status warm_up() override { return warm_up_; }
  Result<BatchResult> run(const HitBatch& batch) override;
  std::string backend() const override { return "fake"; }
  std::string device() const override { return "fake device"; }

 private:
  EngineScript& script_;
  const Status warm_up_;
};

/// Makes `lanes` fake engines.
server::EngineFactory fake_engines(EngineScript& script, int lanes = 1);

}  // namespace helix::wire_test
