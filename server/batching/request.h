#pragma once

#include "kernels/core/status.h"
#include "kernels/engine.h"
#include "kernels/event/hits.h"
#include "server/batching/admission.h"

#include <chrono>
#include <string>
#include <utility>

namespace helix::server {

using Clock = std::chrono::steady_clock;

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
  virtual ~Caller() = default;
  virtual bool cancelled() const = 0;
  virtual void answer(const Answer& answer) = 0;
  virtual void refuse(const Status& status) = 0;
};

/// Validated hits on their way from decoding to the answer, owned by one step at a time. Finished exactly once: one
/// that is dropped unfinished is refused as internal. The hits are views over memory that lives until it is finished.
class Request {
 public:
  Request(const HitBatch& hits, Clock::time_point arrived, Clock::time_point deadline, Caller& caller, Ticket ticket)
      : hits_(hits), arrived_(arrived), deadline_(deadline), caller_(&caller), ticket_(std::move(ticket)) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() { refuse(internal_error("request was dropped unanswered")); }

  const HitBatch& hits() const { return hits_; }
  Clock::time_point arrived() const { return arrived_; }
  /// What it reserved of the budget.
  std::size_t bytes() const { return ticket_.bytes(); }

  /// Why no answer is wanted any more: cancelled, deadline_exceeded, or ok: it is.
  Status wanted(Clock::time_point now) const;

  void answer(const Answer& answer);
  void refuse(const Status& status);

 private:
  Caller* take_caller();

  HitBatch hits_;
  Clock::time_point arrived_, deadline_;
  Caller* caller_;  // null: finished
  Ticket ticket_;
};

/// Whether two requests bring the same optional columns, so that one batch can hold both.
bool same_columns(const HitBatch& a, const HitBatch& b);

}  // namespace helix::server
