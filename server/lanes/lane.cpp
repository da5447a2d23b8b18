#include "server/lanes/lane.h"

#include "server/observe/log.h"

#include <pthread.h>

#include <algorithm>
#include <exception>

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

}  // namespace

Lane::Lane(int number, std::unique_ptr<Engine> engine, RequestQueue& queue, BatchBudget budget, Lost lost,
           Observer& observer)
    : number_(number),
      engine_(std::move(engine)),
      backend_(engine_->backend()),
      device_(engine_->device()),
      queue_(queue),
      budget_(budget),
      lost_(std::move(lost)),
      observer_(observer),
      thread_([this](const std::stop_token& stop) { loop(stop); }) {}

bool Lane::wait_warm(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return warm_; });
}

bool Lane::wait_ended(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return ended_; });
}

/// An engine that fails at it may still serve: a batch says the same again, to who sent it.
void Lane::warm_up() {
  Status status;
  try {
    status = engine_->warm_up();
  } catch (const std::exception& error) {
    status = internal_error(error.what());
  }
  if (!status.ok()) log::warn("lane.cold", {{"lane", number_}, {"device", device_}, {"error", status.message()}});
  const std::scoped_lock lock(mutex_);
  warm_ = true;
  changed_.notify_all();
}

void Lane::loop(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), ("lane-" + std::to_string(number_)).c_str());
  warm_up();
  while (!device_lost_) {
    Batch batch = queue_.take(stop, budget_);
    if (batch.empty()) break;
    run(std::move(batch));
  }
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

// A request alone is not run again: the second time would fail as the first did.
void Lane::run(Batch batch) {
  keep_wanted(batch);
  if (batch.empty()) return;
  const Status status = run_together(batch);
  if (status.ok()) return;
  if (status.code() == Code::unavailable) {
    device_lost_ = true;
    for (auto& request : batch) request->refuse(status);
    lost_(status);
    return;
  }
  if (batch.size() == 1) return batch.front()->refuse(status);
  log::write_limited(log::Level::warn, "batch.split",
                     {{"lane", number_}, {"requests", batch.size()}, {"error", status.message()}});
  for (auto& request : batch) {
    Batch alone;
    alone.push_back(std::move(request));
    device_lost_ ? alone.front()->refuse(unavailable("device lost")) : run(std::move(alone));
  }
}

Status Lane::run_together(Span<std::unique_ptr<Request>> requests) {
  const Clock::time_point taken = Clock::now();
  const Result<Computed> computed = compute({requests.begin(), requests.size()});
  if (computed.ok()) answer(requests, *computed, taken);
  observe(requests, computed, taken);
  return computed.status();
}

void Lane::answer(Span<std::unique_ptr<Request>> requests, const Computed& computed, Clock::time_point taken) {
  const auto& [result, n_events, n_hits, gathered, done] = computed;
  Index event = 0;
  for (auto& request : requests) {
    const Index n = request->hits().n_events();
    if (const Status status = request->wanted(done); !status.ok())
      request->refuse(status);
    else
      request->answer({result, event, n, n_events, taken - request->arrived(), gathered - taken, backend_, device_,
                       n_hits, number_});
    event += n;
  }
  log::debug("batch.done", {{"lane", number_},
                            {"requests", requests.size()},
                            {"events", n_events},
                            {"hits", n_hits},
                            {"us", std::chrono::duration_cast<std::chrono::microseconds>(done - taken).count()}});
}

void Lane::observe(Span<std::unique_ptr<Request>> requests, const Result<Computed>& computed,
                   Clock::time_point taken) const {
  BatchRecord record{.lane = number_,
                     .device = device_,
                     .code = computed.status().code(),
                     .requests = static_cast<int>(requests.size()),
                     .arrived = taken,
                     .taken = taken,
                     .gathered = taken,
                     .computed = taken,
                     .done = Clock::now(),
                     .stages = {},
                     .memory = engine_->memory()};
  for (const auto& request : requests) {  // finished: their hits are gone, how many there were is not
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

Result<Lane::Computed> Lane::compute(Span<const std::unique_ptr<Request>> requests) {
  try {
    const HitBatch hits = gather_.join(requests);
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

}  // namespace helix::server
