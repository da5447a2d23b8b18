#include "server/batching/gate.h"

namespace helix::server {

Gate::Pass Gate::enter() {
  const std::scoped_lock lock(mutex_);
  if (closed_) return {};
  ++inside_;
  return Pass(*this);
}

void Gate::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
}

bool Gate::wait_empty(Clock::time_point deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return left_.wait_until(lock, stop, deadline, [this] { return inside_ == 0; });
}

int Gate::inside() const {
  const std::scoped_lock lock(mutex_);
  return inside_;
}

// Notified under the lock: the one who waits may destroy the gate as soon as it sees nobody inside.
void Gate::leave() {
  const std::scoped_lock lock(mutex_);
  --inside_;
  left_.notify_all();
}

}  // namespace helix::server
