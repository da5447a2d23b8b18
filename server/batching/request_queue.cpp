#include "server/batching/request_queue.h"

#include <algorithm>

namespace helix::server {

Status RequestQueue::push(std::unique_ptr<Request>& request) {
  {
    const std::scoped_lock lock(mutex_);
    if (!closed_.ok()) return closed_;
    waiting_.push_back(std::move(request));
  }
  changed_.notify_one();
  return {};
}

Batch RequestQueue::take(const std::stop_token& stop, const BatchBudget& budget) {
  for (;;) {
    Unwanted unwanted;
    Batch batch;
    bool over;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, stop, [this] { return !waiting_.empty() || !closed_.ok(); });
      unwanted = take_unwanted(waiting_, now_());
      batch = take_waiting(waiting_, budget);
      over = !closed_.ok() || stop.stop_requested();
    }
    refuse_all(std::move(unwanted));
    if (over || !batch.empty()) return batch;
  }
}

void RequestQueue::drop_unwanted() {
  Unwanted unwanted;
  {
    const std::scoped_lock lock(mutex_);
    unwanted = take_unwanted(waiting_, now_());
  }
  refuse_all(std::move(unwanted));
}

void RequestQueue::close(const Status& reason) {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_.ok()) closed_ = reason;
  }
  changed_.notify_all();
}

void RequestQueue::refuse_waiting(const Status& reason) {
  close(reason);
  Waiting waiting;
  {
    const std::scoped_lock lock(mutex_);
    waiting.swap(waiting_);
  }
  for (auto& request : waiting) request->refuse(reason);
}

QueueDepth RequestQueue::depth() const {
  const Clock::time_point now = now_();
  QueueDepth depth;
  const std::scoped_lock lock(mutex_);
  depth.requests = waiting_.size();
  for (const auto& request : waiting_) {
    depth.bytes += request->bytes();
    depth.hits += request->hits().n_hits();
    depth.oldest_age = std::max<std::chrono::nanoseconds>(depth.oldest_age, now - request->arrived());
  }
  return depth;
}

std::size_t RequestQueue::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_.size();
}

}  // namespace helix::server
