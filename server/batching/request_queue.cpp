#include "server/batching/request_queue.h"

#include <algorithm>

namespace helix::server {
namespace {

constexpr double kPatience = 20;                       // times what was predicted
constexpr std::chrono::microseconds kUnknownHit{100};  // patience for each hit before anything is known

}  // namespace

std::unique_ptr<Request> RequestQueue::own(const Waiter* waiter) {
  return std::move(by_id_.extract(static_cast<const Request*>(waiter)->id()).mapped());
}

Batch RequestQueue::own_all(const std::vector<Waiter*>& waiters) {
  Batch batch;
  batch.reserve(waiters.size());
  for (const Waiter* waiter : waiters) batch.push_back(own(waiter));
  return batch;
}

// A place first: where there is no memory for one, the batcher is not left with a waiter that is gone.
void RequestQueue::enter(std::unique_ptr<Request>& request, void (Batcher::*way)(Waiter&, Clock::time_point),
                         Clock::time_point now) {
  const auto place = by_id_.try_emplace(request->id()).first;
  try {
    (batcher_.*way)(*request, now);
  } catch (...) {
    by_id_.erase(place);
    throw;
  }
  place->second = std::move(request);
}

void RequestQueue::wait(std::unique_lock<std::mutex>& lock, const std::stop_token& stop,
                        std::optional<Clock::time_point> until) {
  Idle mine;
  idle_.push_back(&mine);
  const auto told = [&mine] { return mine.told; };
  if (until)
    mine.changed.wait_for(lock, stop, *until - now_(), told);
  else
    mine.changed.wait(lock, stop, told);
  std::erase(idle_, &mine);
}

/// The one that ran last, as its memory and its processor's are the warmest; and those not needed take no memory.
void RequestQueue::tell_one() {
  if (idle_.empty()) return;
  Idle& lane = *idle_.back();
  idle_.pop_back();
  lane.told = true;
  lane.changed.notify_one();
}

void RequestQueue::tell_all() {
  while (!idle_.empty()) tell_one();
}

// Cancelled before it was here: looked at under the lock, so that cancel either finds it or comes before this.
Status RequestQueue::push(std::unique_ptr<Request>& request) {
  Batch expired;
  Status status;
  {
    const std::scoped_lock lock(mutex_);
    const Clock::time_point now = now_();
    if (!closed_.ok()) return closed_;
    if (status = request->wanted(now); !status.ok()) return status;
    expired = take_expired();
    status = batcher_.meets_deadline(request->facts(), now);
    if (status.ok()) {
      request->count_in(ends_);
      ++accepted_;
      enter(request, &Batcher::add, now);
      tell_one();
    } else {
      ++rejected_late_;
    }
  }
  finish_unwanted(std::move(expired));
  return status;
}

TakenBatch RequestQueue::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stop.stop_requested()) {
      if (!batcher_.room().empty()) tell_one();  // this lane may have been told of it
      return {};
    }
    if (Batch expired = take_expired(); !expired.empty()) {
      lock.unlock();
      finish_unwanted(std::move(expired));
      lock.lock();
      continue;
    }
    const Clock::time_point now = now_();
    const Batcher::Taken taken = batcher_.take(now, !closed_.ok());
    if (!taken.batch.empty()) {
      TakenBatch batch{own_all(taken.batch), taken.run};
      const Batch late = own_all(taken.late);
      if (!batcher_.room().empty()) tell_one();  // whoever was told of the push may be this lane
      lock.unlock();
      for (const auto& request : late)
        request->refuse({Code::deadline_exceeded, "deadline cannot be met any more: too much went before"});
      return batch;
    }
    if (!closed_.ok()) return {};
    wait(lock, stop, taken.wait_until);
  }
}

void RequestQueue::over(std::uint64_t run) {
  const std::scoped_lock lock(mutex_);
  batcher_.over(run);
}

void RequestQueue::give_back(Batch batch, const Status& why) {
  std::vector<std::pair<std::unique_ptr<Request>, Status>> finished;
  {
    const std::scoped_lock lock(mutex_);
    const Clock::time_point now = now_();
    for (auto& request : batch) {
      Status status = request->wanted(now);
      if (status.ok() && request->lost_again()) status = why;
      if (status.ok()) status = closed_;
      if (!status.ok()) {
        finished.emplace_back(std::move(request), std::move(status));
        continue;
      }
      ++retries_;
      enter(request, &Batcher::put_back, now);
    }
    tell_all();
  }
  for (auto& [request, status] : finished) request->refuse(status);
}

void RequestQueue::cancel(std::uint64_t id) {
  std::unique_ptr<Request> request;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    batcher_.remove(*found->second);
    request = own(found->second.get());
  }
  const Status status = request->wanted(now_());
  request->refuse(status.ok() ? Status(Code::cancelled, "cancelled by the client") : status);
}

Batch RequestQueue::take_expired() {
  Batch expired;
  const Clock::time_point now = now_();
  while (Waiter* waiter = batcher_.take_expired(now)) expired.push_back(own(waiter));
  return expired;
}

void RequestQueue::finish_unwanted(Batch batch) {
  for (auto& request : batch) request->refuse(request->wanted(now_()));
}

void RequestQueue::drop_expired() {
  Batch expired;
  {
    const std::scoped_lock lock(mutex_);
    expired = take_expired();
  }
  finish_unwanted(std::move(expired));
}

void RequestQueue::drop_unwanted() {
  std::vector<std::uint64_t> unwanted;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, request] : by_id_)
      if (!request->wanted(now_()).ok()) unwanted.push_back(id);
  }
  for (const std::uint64_t id : unwanted) cancel(id);
}

void RequestQueue::close(const Status& reason) {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_.ok()) closed_ = reason;
    tell_all();
  }
}

void RequestQueue::refuse_waiting(const Status& reason) {
  close(reason);
  Batch waiting;
  {
    const std::scoped_lock lock(mutex_);
    waiting = own_all(batcher_.take_all());
  }
  for (auto& request : waiting) request->refuse(reason);
}

void RequestQueue::set_lanes(int in_service) {
  const std::scoped_lock lock(mutex_);
  batcher_.set_lanes(in_service);
}

void RequestQueue::computed(const Batch& batch, Clock::duration time, std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  const Clock::time_point now = now_();
  batcher_.learn(work_of(batch), time, bytes);
  for (const auto& request : batch) batcher_.answered(request->facts(), now, time);
}

void RequestQueue::too_large(const Work& work) {
  const std::scoped_lock lock(mutex_);
  batcher_.too_large(work);
}

Clock::duration RequestQueue::patience(const Work& work, Clock::duration least) const {
  const std::scoped_lock lock(mutex_);
  const CostModel& cost = batcher_.cost();
  if (!cost.trusted()) return least + from_ms(work.hits * in_ms(kUnknownHit));
  return std::max(least, from_ms(kPatience * cost.ms(work)));
}

Clock::duration RequestQueue::backlog() const {
  const std::scoped_lock lock(mutex_);
  return batcher_.backlog(now_());
}

std::size_t RequestQueue::waiting() const {
  const std::scoped_lock lock(mutex_);
  return batcher_.room().size();
}

QueueStats RequestQueue::stats() const {
  const std::scoped_lock lock(mutex_);
  const Clock::time_point now = now_();
  const WaitingRoom& room = batcher_.room();
  const CostModel& cost = batcher_.cost();
  QueueStats stats;
  stats.completed = ends_.completed, stats.cancelled = ends_.cancelled;
  stats.expired = ends_.expired, stats.failed = ends_.failed;
  stats.accepted = accepted_;  // those that ended were counted before
  stats.rejected_full = rejected_full_, stats.rejected_late = rejected_late_;
  stats.retries = retries_, stats.splits = splits_;
  stats.requests = room.size(), stats.bytes = room.bytes();
  stats.events = room.work().events, stats.hits = room.work().hits;
  if (room.oldest() != nullptr) stats.oldest = now - room.oldest()->facts().arrived;
  stats.backlog = batcher_.backlog(now);
  stats.clients = room.clients();
  stats.lanes = batcher_.lanes(), stats.running = batcher_.running();
  stats.idle = static_cast<int>(idle_.size());
  stats.fixed_ms = cost.fixed_ms();
  stats.ms_of_10k_hits = cost.ms(Work::of(1, 10000)) - cost.fixed_ms();
  stats.cost_bound_ms = batcher_.cost_bound_ms();
  return stats;
}

}  // namespace helix::server
