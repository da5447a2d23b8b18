#pragma once

#include <cstddef>
#include <functional>

namespace helix {

/// Runs job(0) .. job(n_jobs - 1), at most `window` at once and started in this order; returns when all are done.
/// An exception of a job stops the start of others and is thrown again here.
void run_in_flight(int window, std::size_t n_jobs, const std::function<void(std::size_t)>& job);

}  // namespace helix
