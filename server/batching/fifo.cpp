#include "server/batching/fifo.h"

#include <algorithm>
#include <cstdint>

namespace helix::server {

// Requests with other optional columns stay where they are: filling a column in for them could change their answers.
Batch take_waiting(Waiting& waiting, const BatchBudget& budget) {
  Batch batch;
  std::int64_t events = 0, hits = 0;
  for (auto& request : waiting) {
    const HitBatch& next = request->hits();
    const bool fits = events + next.n_events() <= budget.max_events && hits + next.n_hits() <= budget.max_hits;
    if (!batch.empty() && !fits) break;
    if (!batch.empty() && !same_columns(batch.front()->hits(), next)) continue;
    events += next.n_events();
    hits += next.n_hits();
    batch.push_back(std::move(request));
  }
  std::erase(waiting, nullptr);
  return batch;
}

Unwanted take_unwanted(Waiting& waiting, Clock::time_point now) {
  Unwanted unwanted;
  for (auto& request : waiting) {
    Status status = request->wanted(now);
    if (!status.ok()) unwanted.emplace_back(std::move(request), std::move(status));
  }
  std::erase(waiting, nullptr);
  return unwanted;
}

void refuse_all(Unwanted unwanted) {
  for (auto& [request, status] : unwanted) request->refuse(status);
}

}  // namespace helix::server
