#include "server/lanes/lane_worker.h"

#include "server/observe/log.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <iterator>

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
  overdue_at_ = Clock::time_point::max();
  abandoned_ = ended_ = true;
  ++hanging;
  taken = {std::move(part_), run_};
  for (; !pending_.empty(); pending_.pop_back())
    std::move(pending_.back().begin(), pending_.back().end(), std::back_inserter(taken.requests));
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
    TakenBatch taken = queue_.take(stop_.get_token());
    if (taken.requests.empty()) break;
    run(std::move(taken));
  }
  const std::scoped_lock lock(mutex_);
  if (abandoned_) --hanging;
  ended_ = true;
  changed_.notify_all();
}

void LaneWorker::run(TakenBatch taken) {
  run_ = taken.run;
  any_refused_ = false;
  too_large_ = {};
  pending_.push_back(std::move(taken.requests));
  while (!pending_.empty()) {
    Batch part = std::move(pending_.back());
    pending_.pop_back();
    keep_wanted(part);
    if (!part.empty()) run_part(std::move(part));
    if (lost_device_) return;
  }
  if (!any_refused_ && too_large_.hits > 0) queue_.too_large(too_large_);
  queue_.over(run_);
}

// A request alone is not run again: the second time would fail as the first did.
void LaneWorker::run_part(Batch part) {
  Result<Computed> computed = watched(part);
  if (lost_device_) return;
  if (computed.ok()) answer(part, *computed);
  observe(part, computed);
  if (computed.ok()) return;
  if (computed.status().code() == Code::unavailable) return lose_device(computed.status(), std::move(part));
  if (part.size() > 1) return split(std::move(part), computed.status());
  any_refused_ = true;
  part.front()->refuse(computed.status());
}

/// Halves of a batch that failed, until the guilty request is alone.
void LaneWorker::split(Batch part, const Status& why) {
  log::write_limited(log::Level::warn, "batch.split",
                     {{"lane", number_}, {"requests", part.size()}, {"error", why.message()}});
  queue_.split();
  if (why.code() == Code::resource_exhausted && too_large_.hits == 0) too_large_ = work_of(part);
  const auto middle = part.begin() + static_cast<std::ptrdiff_t>(part.size() / 2);
  Batch second(std::make_move_iterator(middle), std::make_move_iterator(part.end()));
  part.erase(middle, part.end());
  pending_.push_back(std::move(second));
  pending_.push_back(std::move(part));
}

void LaneWorker::lose_device(const Status& why, Batch part) {
  lost_device_ = true;
  for (; !pending_.empty(); pending_.pop_back())
    std::move(pending_.back().begin(), pending_.back().end(), std::back_inserter(part));
  lost_(why, {std::move(part), run_});
}

/// Computes a part so that it can be taken away meanwhile; lost_device_ tells that it was.
Result<LaneWorker::Computed> LaneWorker::watched(Batch& part) {
  taken_ = Clock::now();
  const Work work = work_of(part);
  const auto memory = memory_of(part);
  Result<Computed> computed = internal_error("not run");
  HitBatch hits;
  try {
    hits = gather_.join({part.data(), part.size()});
  } catch (const std::bad_alloc&) {
    return resource_exhausted("the machine has no memory for this batch");
  }
  const bool watch = watchdog_ > Clock::duration::zero();
  const Clock::time_point overdue = watch ? taken_ + queue_.patience(work, watchdog_) : Clock::time_point::max();
  {
    const std::scoped_lock lock(mutex_);
    part_ = std::move(part);
    overdue_at_ = overdue;
  }
  computed = compute(hits);
  const std::scoped_lock lock(mutex_);
  overdue_at_ = Clock::time_point::max();
  lost_device_ = abandoned_;
  part = std::move(part_);
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
    return resource_exhausted("the machine has no memory for this batch");
  } catch (const std::exception& error) {
    return internal_error(error.what());
  }
}

void LaneWorker::answer(Batch& part, const Computed& computed) {
  const auto& [result, n_events, n_hits, gathered, done] = computed;
  queue_.computed(part, done - taken_, result.arena_bytes);
  Index event = 0;
  for (auto& request : part) {
    const Index n = request->hits().n_events();
    if (const Status status = request->wanted(done); !status.ok())
      request->refuse(status);
    else
      request->answer({result, event, n, n_events, taken_ - request->arrived(), gathered - taken_, backend_, device_,
                       n_hits, number_});
    event += n;
  }
  log::debug("batch.done", {{"lane", number_},
                            {"requests", part.size()},
                            {"events", n_events},
                            {"hits", n_hits},
                            {"us", std::chrono::duration_cast<std::chrono::microseconds>(done - taken_).count()}});
}

void LaneWorker::observe(const Batch& part, const Result<Computed>& computed) const {
  BatchRecord record{.lane = number_,
                     .device = device_,
                     .code = computed.status().code(),
                     .requests = static_cast<int>(part.size()),
                     .arrived = taken_,
                     .taken = taken_,
                     .gathered = taken_,
                     .computed = taken_,
                     .done = Clock::now(),
                     .stages = {},
                     .memory = engine_->memory()};
  for (const auto& request : part) {  // finished: their hits are gone, how many there were is not
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
