#include "server/observe/connection_deadlines.h"

#include <pthread.h>
#include <sys/socket.h>

namespace helix::server {

ConnectionDeadlines::ConnectionDeadlines(std::chrono::milliseconds longest)
    : longest_(longest), thread_([this](const std::stop_token& stop) { watch(stop); }) {}

void ConnectionDeadlines::opened(int socket) {
  const std::scoped_lock lock(mutex_);
  open_.push_back({socket, Clock::now() + longest_});
  changed_.notify_one();
}

void ConnectionDeadlines::closed(int socket) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(open_, [socket](const Connection& connection) { return connection.socket == socket; });
}

void ConnectionDeadlines::watch(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "http-deadlines");
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !open_.empty(); })) {
    const Clock::time_point next = open_.front().end;
    changed_.wait_until(lock, stop, next, [] { return false; });
    if (stop.stop_requested()) return;
    hang_up(Clock::now());
  }
}

/// Whoever serves the socket finds it at its end, and closes it.
void ConnectionDeadlines::hang_up(Clock::time_point now) {
  for (; !open_.empty() && open_.front().end <= now; open_.pop_front()) shutdown(open_.front().socket, SHUT_RDWR);
}

}  // namespace helix::server
