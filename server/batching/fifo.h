#pragma once

#include "server/batching/request.h"

#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace helix::server {

/// Requests that run together.
using Batch = std::vector<std::unique_ptr<Request>>;

/// Requests waiting, oldest first.
using Waiting = std::deque<std::unique_ptr<Request>>;

/// What one batch may hold; a first request above it runs alone.
struct BatchBudget {
  Index max_events = 64;
  Index max_hits = 4'000'000;
};

/// Takes what waits: the oldest request, and those behind it in order that fit beside it.
Batch take_waiting(Waiting& waiting, const BatchBudget& budget);

/// A request that nobody waits for any more, and why.
using Unwanted = std::vector<std::pair<std::unique_ptr<Request>, Status>>;

/// Takes out those that were cancelled or whose deadline has passed.
Unwanted take_unwanted(Waiting& waiting, Clock::time_point now);

/// Finishes each with its reason.
void refuse_all(Unwanted unwanted);

}  // namespace helix::server
