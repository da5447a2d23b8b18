#include "server/batching/request.h"

#include <algorithm>
#include <iterator>

namespace helix::server {

Status Request::wanted(Clock::time_point now) const {
  if (caller_->cancelled()) return {Code::cancelled, "cancelled by the client"};
  if (now < deadline_) return {};
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - arrived_);
  return {Code::deadline_exceeded, "deadline passed after " + std::to_string(waited.count()) + " ms at the server"};
}

// The place in the budget is free before the client can know the answer: a client that sends one request after
// another never meets its own predecessor.
Caller* Request::take_caller() {
  ticket_.release();
  return std::exchange(caller_, nullptr);
}

void Request::answer(const Answer& answer) {
  if (Caller* caller = take_caller()) caller->answer(answer);
}

void Request::refuse(const Status& status) {
  if (Caller* caller = take_caller()) caller->refuse(status);
}

bool same_columns(const HitBatch& a, const HitBatch& b) {
  return std::all_of(std::begin(kOptionalColumns), std::end(kOptionalColumns),
                     [&](const OptionalColumn& column) { return (a.*column.of).empty() == (b.*column.of).empty(); });
}

}  // namespace helix::server
