#pragma once

#include "kernels/core/status.h"
#include "kernels/engine.h"
#include "kernels/event/hits.h"
#include "server/batching/admission.h"
#include "server/batching/waiting_room.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace helix::server {

/// The part of a batch's result that answers one request. Views, valid while Caller::answer runs.
struct Answer {
  const BatchResult& result;
  Index first_event, n_events;  // rows of result
  Index batch_events;           // of all requests of the batch
  std::chrono::nanoseconds queue, gather;
  const std::string& backend;
  const std::string& device;
  Index batch_hits = 0;
  int lane = 0;
};

/// Who waits for a request's end. Exactly one of answer and refuse is called, once, from any thread; the caller may
/// be gone when it returns.
class Caller {
 public:
  using Ended = std::function<void(Code)>;

  virtual ~Caller() = default;
  virtual bool cancelled() const = 0;
  /// Calls `ended` once, before its client can know: ok, or why there is no answer after all.
  virtual void answer(const Answer& answer, const Ended& ended) = 0;
  virtual void refuse(const Status& status) = 0;
};

/// How requests that were accepted have ended.
struct Ends {
  std::atomic<std::uint64_t> completed{0}, cancelled{0}, expired{0}, failed{0};

  void count(Code code);
};

/// Validated hits on their way from decoding to the answer, owned by one step at a time. Finished exactly once: one
/// that is dropped unfinished is refused as internal.
class Request final : public Waiter {
 public:
  /// `facts` with client, priority and times; what the hits tell is filled in. `memory` keeps what the hits are views
  /// of: a device that hangs may read it after the request has ended.
  Request(const HitBatch& hits, RequestFacts facts, Caller& caller, Ticket ticket,
          std::shared_ptr<const void> memory = nullptr);
  ~Request() { refuse(internal_error("request was dropped unanswered")); }

  /// Unique in this process: what the queue knows the request by when its caller cancels it.
  std::uint64_t id() const { return id_; }
  const HitBatch& hits() const { return hits_; }
  const std::shared_ptr<const void>& memory() const { return memory_; }
  Clock::time_point arrived() const { return facts().arrived; }

  /// Why no answer is wanted any more: deadline_exceeded, cancelled, or ok: it is.
  Status wanted(Clock::time_point now) const;

  /// Its end will be counted there.
  void count_in(Ends& ends) { ends_ = &ends; }

  void answer(const Answer& answer);
  void refuse(const Status& status);

 private:
  void end(Code code);

  const std::uint64_t id_;
  HitBatch hits_;
  Caller* caller_;  // null: finished
  Ticket ticket_;
  std::shared_ptr<const void> memory_;
  Ends* ends_ = nullptr;
};

/// Requests that run together; all bring the same optional columns.
using Batch = std::vector<std::unique_ptr<Request>>;

Work work_of(const Batch& batch);

}  // namespace helix::server
