#include "server/batching/request.h"

#include <iterator>

namespace helix::server {
namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

std::uint32_t columns_of(const HitBatch& hits) {
  std::uint32_t bits = 0, bit = 1;
  for (const OptionalColumn& column : kOptionalColumns) {
    if (!(hits.*column.of).empty()) bits += bit;
    bit *= 2;
  }
  return bits;
}

RequestFacts with_hits(RequestFacts facts, const HitBatch& hits) {
  facts.columns = columns_of(hits);
  facts.work = {};
  for (Index event = 0; event < hits.n_events(); ++event)
    facts.work += Work::of(1, static_cast<double>(hits.events.size(event)));
  return facts;
}

}  // namespace

void Ends::count(Code code) {
  switch (code) {
    case Code::ok:
      ++completed;
      break;
    case Code::cancelled:
      ++cancelled;
      break;
    case Code::deadline_exceeded:
      ++expired;
      break;
    default:
      ++failed;
  }
}

Request::Request(const HitBatch& hits, RequestFacts facts, Caller& caller, Ticket ticket,
                 std::shared_ptr<const void> memory)
    : Waiter(with_hits(std::move(facts), hits)),
      id_(next_id()),
      hits_(hits),
      caller_(&caller),
      ticket_(std::move(ticket)),
      memory_(std::move(memory)) {}

// gRPC cancels a call whose deadline has passed: that is no cancellation.
Status Request::wanted(Clock::time_point now) const {
  if (now >= facts().deadline) {
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - arrived());
    return {Code::deadline_exceeded, "deadline passed after " + std::to_string(waited.count()) + " ms at the server"};
  }
  if (caller_->cancelled()) return {Code::cancelled, "cancelled by the client"};
  return {};
}

// The place in the budget is free before the client can know the answer: a client that sends one request after
// another never meets its own predecessor. Counted before, too.
void Request::end(Code code) {
  ticket_.release();
  if (ends_ != nullptr) ends_->count(code);
}

void Request::answer(const Answer& answer) {
  if (Caller* caller = std::exchange(caller_, nullptr)) caller->answer(answer, [this](Code code) { end(code); });
}

void Request::refuse(const Status& status) {
  Caller* caller = std::exchange(caller_, nullptr);
  if (caller == nullptr) return;
  end(status.code());
  caller->refuse(status);
}

Work work_of(const Batch& batch) {
  Work work;
  for (const auto& request : batch) work += request->facts().work;
  return work;
}

}  // namespace helix::server
