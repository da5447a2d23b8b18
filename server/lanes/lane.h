#pragma once

#include "kernels/engine.h"
#include "server/batching/request_queue.h"
#include "server/lanes/gather.h"
#include "server/observe/observer.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace helix::server {

/// A device and the thread that owns it: warms it up, pulls batches from the queue, runs them, answers each request.
///
/// A batch that fails is run again request by request, so that the guilty one fails alone. An engine that says
/// unavailable has lost its device: its batch is refused and the lane leaves service.
class Lane {
 public:
  /// Called from the lane's thread when its device is lost.
  using Lost = std::function<void(const Status&)>;

  Lane(int number, std::unique_ptr<Engine> engine, RequestQueue& queue, BatchBudget budget, Lost lost,
       Observer& observer = no_observer());

  const std::string& device() const { return device_; }
  const std::string& backend() const { return backend_; }

  /// Whether the engine is warm by the deadline.
  bool wait_warm(Clock::time_point deadline);

  /// Whether the thread has ended (queue closed and empty, or device lost) by the deadline.
  bool wait_ended(Clock::time_point deadline);

 private:
  struct Computed {
    BatchResult result;
    Index n_events, n_hits;
    Clock::time_point gathered, done;
  };

  void loop(const std::stop_token& stop);
  void warm_up();
  void run(Batch batch);
  Status run_together(Span<std::unique_ptr<Request>> requests);
  Result<Computed> compute(Span<const std::unique_ptr<Request>> requests);
  void answer(Span<std::unique_ptr<Request>> requests, const Computed& computed, Clock::time_point taken);
  void observe(Span<std::unique_ptr<Request>> requests, const Result<Computed>& computed,
               Clock::time_point taken) const;

  const int number_;
  const std::unique_ptr<Engine> engine_;
  const std::string backend_, device_;
  RequestQueue& queue_;
  const BatchBudget budget_;
  const Lost lost_;
  Observer& observer_;
  Gather gather_;
  bool device_lost_ = false;

  std::mutex mutex_;  // guards warm_, ended_
  std::condition_variable changed_;
  bool warm_ = false, ended_ = false;

  std::jthread thread_;  // last: starts when all else is there, joined before anything goes
};

}  // namespace helix::server
