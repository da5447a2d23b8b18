#pragma once

#include "kernels/core/ragged.h"

#ifdef __SANITIZE_THREAD__
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>
#else
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#endif

namespace helix {

// oneTBB, in the two ways it is used. Its library is not built with the thread sanitizer, which takes every task that
// passes through it for a race: under the sanitizer tasks run on threads that it can see.
#ifdef __SANITIZE_THREAD__

class TaskArena {
 public:
  explicit TaskArena(int) {}
  template <class Work>
  void execute(const Work& work) {
    work();
  }
};

template <class Task>
void run_tasks(Index n, const Task& task) {
  std::atomic<Index> next{0};
  std::exception_ptr error;
  std::mutex mutex;  // guards error
  const auto work = [&] {
    for (Index i = next++; i < n; i = next++) {
      try {
        task(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        error = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (Index t = 1; t < std::min(n, Index{3}); ++t) threads.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
}

#else

/// Threads of its own, in which execute(work) runs.
using TaskArena = tbb::task_arena;

/// task(i) for each i in 0 .. n, in any order, on the threads of the arena that it is called in. What a task throws is
/// thrown here.
template <class Task>
void run_tasks(Index n, const Task& task) {
  tbb::parallel_for(Index{0}, n, task);
}

#endif

}  // namespace helix
