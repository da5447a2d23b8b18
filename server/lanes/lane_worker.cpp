#include "server/lanes/lane_worker.h"

#include "server/observe/log.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <iterator>
#include <thread>
#include <utility>

namespace helix::server {
namespace {

Status check_shape(const BatchResult& result, Index n_events) {
  const auto rows = static_cast<std::size_t>(n_events);
  if (result.tracks.event_offsets.size() == rows + 1 && result.vertices.event_offsets.size() == rows + 1 &&
      result.counters.size() == rows)
    return {};
  return internal_error("engine answered another number of events than it was given");
}

/// Finishes those that nobody waits for; the others are left, in order.
void keep_wanted(Batch& batch) {
  const Clock::time_point now = Clock::now();
  for (auto& request : batch)
    if (const Status status = request->wanted(now); !status.ok()) {
      request->refuse(status);
      request.reset();
    }
  std::erase(batch, nullptr);
}

Status no_memory() { return resource_exhausted("the machine has no memory for this batch"); }

std::vector<std::shared_ptr<const void>> memory_of(const Batch& batch) {
  std::vector<std::shared_ptr<const void>> memory;
  for (const auto& request : batch) memory.push_back(request->memory());
  return memory;
}

std::atomic<int> hanging{0};

}  // namespace

int hanging_lanes() { return hanging; }

LaneWorker::LaneWorker(int number, std::unique_ptr<Engine> engine, RequestQueue& queue, Clock::duration watchdog,
                       LaneLost lost, Observer& observer)
    : number_(number),
      engine_(std::move(engine)),
      backend_(engine_->backend()),
      device_(engine_->device()),
      queue_(queue),
      watchdog_(watchdog),
      lost_(std::move(lost)),
      observer_(observer) {}

std::optional<Status> LaneWorker::wait_warm(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [this] { return warm_.has_value(); });
  return warm_;
}

bool LaneWorker::wait_ended(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return ended_; });
}

Clock::time_point LaneWorker::overdue_at() const {
  const std::scoped_lock lock(mutex_);
  return overdue_at_;
}

bool LaneWorker::abandon(Clock::time_point now, TakenBatch& taken) {
  const std::scoped_lock lock(mutex_);
  if (now < overdue_at_) return false;
  taken = {take_rest(), run_};
  overdue_at_ = Clock::time_point::max();
  abandoned_ = ended_ = true;
  ++hanging;
  changed_.notify_all();
  return true;
}

/// An engine that fails at it may still serve: a batch says the same again, to who sent it.
void LaneWorker::warm_up() {
  Status status;
  try {
    status = engine_->warm_up();
  } catch (const std::exception& error) {
    status = internal_error(error.what());
  }
  if (!status.ok()) log::warn("lane.cold", {{"lane", number_}, {"device", device_}, {"error", status.message()}});
  const std::scoped_lock lock(mutex_);
  warm_ = std::move(status);
  changed_.notify_all();
}

void LaneWorker::loop() {
  pthread_setname_np(pthread_self(), ("lane-" + std::to_string(number_)).c_str());
  warm_up();
  while (!lost_device_) {
    TakenBatch taken = take();
    if (taken.requests.empty()) break;
    run(std::move(taken));
  }
  const std::scoped_lock lock(mutex_);
  if (abandoned_) --hanging;
  ended_ = true;
  changed_.notify_all();
}

/// The next batch. Memory that is short now may be there a little later.
TakenBatch LaneWorker::take() {
  for (;;) {
    try {
      return queue_.take(stop_.get_token());
    } catch (const std::exception& error) {
      log::error("lane.failed", {{"lane", number_}, {"error", error.what()}});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

// Whatever is thrown ends the batch, neither the lane nor the program.
void LaneWorker::run(TakenBatch taken) {
  run_ = taken.run;
  any_refused_ = false;
  too_large_ = {};
  part_ = std::move(taken.requests);
  try {
    run_parts();
  } catch (const std::bad_alloc&) {
    give_up(no_memory());
  } catch (const std::exception& error) {
    give_up(internal_error(error.what()));
  }
}

void LaneWorker::run_parts() {
  for (;;) {
    keep_wanted(part_);
    if (!part_.empty()) run_part();
    if (lost_device_) return;
    part_.clear();
    if (pending_.empty()) break;
    part_ = std::move(pending_.back());
    pending_.pop_back();
  }
  if (!any_refused_ && too_large_.hits > 0) queue_.too_large(too_large_);
  queue_.over(run_);
}

// A request alone is not run again: the second time would fail as the first did.
void LaneWorker::run_part() {
  Result<Computed> computed = watched();
  if (lost_device_) return;
  if (computed.ok()) answer(*computed);
  observe(computed);
  if (computed.ok()) return;
  if (computed.status().code() == Code::unavailable) return lose_device(computed.status());
  if (part_.size() > 1) return split(computed.status());
  any_refused_ = true;
  part_.front()->refuse(computed.status());
}

/// Halves of a batch that failed, until the guilty request is alone.
void LaneWorker::split(const Status& why) {
  log::write_limited(log::Level::warn, "batch.split",
                     {{"lane", number_}, {"requests", part_.size()}, {"error", why.message()}});
  queue_.split();
  if (why.code() == Code::resource_exhausted && too_large_.hits == 0) too_large_ = work_of(part_);
  pending_.reserve(pending_.size() + 2);
  const auto middle = part_.begin() + static_cast<std::ptrdiff_t>(part_.size() / 2);
  pending_.emplace_back(std::make_move_iterator(middle), std::make_move_iterator(part_.end()));
  part_.erase(middle, part_.end());
  pending_.push_back(std::move(part_));
}

void LaneWorker::lose_device(const Status& why) {
  lost_device_ = true;
  lost_(why, {take_rest(), run_});
}

/// Refuses what is left of the batch. Nothing is where it was taken away before the exception.
void LaneWorker::give_up(const Status& why) {
  {
    const std::scoped_lock lock(mutex_);
    overdue_at_ = Clock::time_point::max();
    lost_device_ = lost_device_ || abandoned_;
    if (abandoned_) return;
  }
  log::error("batch.failed", {{"lane", number_}, {"error", why.message()}});
  for (auto& request : part_) request->refuse(why);
  part_.clear();
  for (; !pending_.empty(); pending_.pop_back())
    for (auto& request : pending_.back()) request->refuse(why);
  if (lost_device_) return lost_(why, {{}, run_});
  queue_.over(run_);
}

/// All that is left of the batch; what it throws it throws before it takes anything.
Batch LaneWorker::take_rest() {
  std::size_t n = part_.size();
  for (const Batch& part : pending_) n += part.size();
  part_.reserve(n);
  for (; !pending_.empty(); pending_.pop_back())
    std::move(pending_.back().begin(), pending_.back().end(), std::back_inserter(part_));
  return std::exchange(part_, {});
}

/// Computes the part so that it can be taken away meanwhile; lost_device_ tells that it was.
Result<LaneWorker::Computed> LaneWorker::watched() {
  taken_ = Clock::now();
  const Work work = work_of(part_);
  const auto memory = memory_of(part_);
  Result<Computed> computed = internal_error("not run");
  HitBatch hits;
  try {
    hits = gather_.join({part_.data(), part_.size()});
  } catch (const std::bad_alloc&) {
    return no_memory();
  }
  const bool watch = watchdog_ > Clock::duration::zero();
  const Clock::time_point overdue = watch ? taken_ + queue_.patience(work, watchdog_) : Clock::time_point::max();
  {
    const std::scoped_lock lock(mutex_);
    overdue_at_ = overdue;
  }
  computed = compute(hits);
  const std::scoped_lock lock(mutex_);
  overdue_at_ = Clock::time_point::max();
  lost_device_ = abandoned_;
  return computed;
}

Result<LaneWorker::Computed> LaneWorker::compute(const HitBatch& hits) {
  try {
    const Clock::time_point gathered = Clock::now();
    Result<BatchResult> result = engine_->run(hits);
    if (!result.ok()) return result.status();
    if (Status shape = check_shape(*result, hits.n_events()); !shape.ok()) return shape;
    return Computed{*std::move(result), hits.n_events(), hits.n_hits(), gathered, Clock::now()};
  } catch (const std::bad_alloc&) {
    return no_memory();
  } catch (const std::exception& error) {
    return internal_error(error.what());
  }
}

void LaneWorker::answer(const Computed& computed) {
  const auto& [result, n_events, n_hits, gathered, done] = computed;
  queue_.computed(part_, done - taken_, result.arena_bytes);
  Index event = 0;
  for (auto& request : part_) {
    const Index n = request->hits().n_events();
    if (const Status status = request->wanted(done); !status.ok())
      request->refuse(status);
    else
      request->answer({result, event, n, n_events, taken_ - request->arrived(), gathered - taken_, backend_, device_,
                       n_hits, number_});
    event += n;
  }
  log::debug("batch.done", {{"lane", number_},
                            {"requests", part_.size()},
                            {"events", n_events},
                            {"hits", n_hits},
                            {"us", std::chrono::duration_cast<std::chrono::microseconds>(done - taken_).count()}});
}

void LaneWorker::observe(const Result<Computed>& computed) const {
  BatchRecord record{.lane = number_,
                     .device = device_,
                     .code = computed.status().code(),
                     .requests = static_cast<int>(part_.size()),
                     .arrived = taken_,
                     .taken = taken_,
                     .gathered = taken_,
                     .computed = taken_,
                     .done = Clock::now(),
                     .stages = {},
                     .memory = engine_->memory()};
  for (const auto& request : part_) {  // finished: their hits are gone, how many there were is not
    record.events += request->hits().n_events();
    record.hits += request->hits().n_hits();
    record.arrived = std::min(record.arrived, request->arrived());
  }
  if (computed.ok()) {
    record.gathered = computed->gathered;
    record.computed = computed->done;
    record.copy_in = computed->result.copy_in;
    record.compute = computed->result.compute;
    record.copy_out = computed->result.copy_out;
    record.stages = {computed->result.stages.data(), computed->result.stages.size()};
  }
  observer_.batch(record);
}

}  // namespace helix::server
