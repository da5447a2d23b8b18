#include "server/pipelines.h"

#include <pthread.h>

#include <algorithm>

namespace helix::server {
namespace {

void add_counted(const PipelineTable& table, std::map<std::string, QueueTotals>& totals) {
  for (const auto& pipeline : table.all()) totals[pipeline->facts().name] += pipeline->stats();
}

}  // namespace

Pipelines::Lease Pipelines::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

Pipelines::Lease Pipelines::lease(Generation& generation) {
  return {generation.table.get(), [this, &generation](const PipelineTable*) {
            const std::scoped_lock lock(mutex_);
            generation.leased = false;
            changed_.notify_all();
          }};
}

void Pipelines::replace(std::unique_ptr<const PipelineTable> next) {
  auto generation = std::make_shared<Generation>();
  generation->table = std::move(next);
  Lease lease_of_next = lease(*generation);
  const std::scoped_lock lock(mutex_);
  generations_.push_back(std::move(generation));
  current_.swap(lease_of_next);
}  // the lock goes before the lease of the one before

bool Pipelines::wait_replaced(Clock::time_point deadline, const std::stop_token& stop) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, stop, deadline, [this] { return generations_.size() <= 1 && ending_ == 0; });
}

void Pipelines::end_unused(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "old-pipelines");
  std::unique_lock lock(mutex_);
  for (;;) {
    auto unused = generations_.end();
    const auto find = [&] {
      unused = std::find_if(generations_.begin(), generations_.end(), [](const auto& g) { return !g->leased; });
      return unused != generations_.end();
    };
    if (!changed_.wait(lock, stop, find)) return;
    std::shared_ptr<Generation> generation = std::move(*unused);
    add_counted(*generation->table, totals_);  // all of its requests have ended
    generations_.erase(unused);
    ++ending_;
    lock.unlock();
    generation.reset();  // its lanes end here: nothing waits for them
    lock.lock();
    --ending_;
    changed_.notify_all();
  }
}

std::map<std::string, QueueTotals> Pipelines::totals() const {
  std::map<std::string, QueueTotals> totals;
  std::vector<std::shared_ptr<Generation>> generations;
  {
    const std::scoped_lock lock(mutex_);
    totals = totals_;
    generations = generations_;
  }
  for (const auto& generation : generations) add_counted(*generation->table, totals);
  return totals;
}

bool Pipelines::stop(const Status& reason, Clock::time_point deadline) const {
  std::vector<std::shared_ptr<Generation>> generations;
  {
    const std::scoped_lock lock(mutex_);
    generations = generations_;
  }
  bool ended = true;
  for (const auto& generation : generations) ended = generation->table->stop(reason, deadline) && ended;
  return ended;
}

}  // namespace helix::server
