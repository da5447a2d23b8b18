#include "server/pipelines.h"

#include <algorithm>

namespace helix::server {

Pipelines::Lease Pipelines::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

Pipelines::Lease Pipelines::lease(Generation& generation) {
  return {generation.table.get(), [this, &generation](const PipelineTable*) {
            const std::scoped_lock lock(mutex_);
            generation.leased = false;
            ended_.notify_all();
          }};
}

void Pipelines::replace(std::unique_ptr<const PipelineTable> next) {
  auto generation = std::make_unique<Generation>();
  generation->table = std::move(next);
  Lease lease_of_next = lease(*generation);
  const std::scoped_lock lock(mutex_);
  generations_.push_back(std::move(generation));
  current_.swap(lease_of_next);
}  // the lock goes before the lease of the one before

bool Pipelines::end_replaced(Clock::time_point deadline, const std::stop_token& stop) {
  std::vector<std::unique_ptr<Generation>> unused;
  bool all;
  {
    std::unique_lock lock(mutex_);
    const auto in_use = [](const auto& generation) { return generation->leased; };
    all = ended_.wait_until(lock, stop, deadline,
                            [&] { return std::count_if(generations_.begin(), generations_.end(), in_use) <= 1; });
    const auto first = std::stable_partition(generations_.begin(), generations_.end(), in_use);
    std::move(first, generations_.end(), std::back_inserter(unused));
    generations_.erase(first, generations_.end());
  }
  return all;  // lanes of the unused end here: nothing waits for them
}

bool Pipelines::stop(const Status& reason, Clock::time_point deadline) const {
  std::vector<const PipelineTable*> tables;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& generation : generations_) tables.push_back(generation->table.get());
  }
  bool ended = true;
  for (const PipelineTable* table : tables) ended = table->stop(reason, deadline) && ended;
  return ended;
}

}  // namespace helix::server
