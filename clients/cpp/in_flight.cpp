#include "clients/cpp/in_flight.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace helix {

void run_in_flight(int window, std::size_t n_jobs, const std::function<void(std::size_t)>& job) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;  // guards failure
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < n_jobs; i = next++) {
      try {
        job(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = n_jobs;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    const std::size_t n_threads = std::min(n_jobs, static_cast<std::size_t>(std::max(window, 1)));
    for (std::size_t i = 1; i < n_threads; ++i) threads.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace helix
