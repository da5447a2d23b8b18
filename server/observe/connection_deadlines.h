#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>

namespace helix::server {

/// Hangs up on connections that last longer than any honest one: a time-out of silence never comes to a client that
/// sends, or takes, a byte now and then.
class ConnectionDeadlines {
 public:
  explicit ConnectionDeadlines(std::chrono::milliseconds longest);

  void opened(int socket);
  /// Called before the socket is closed, as its number may be another's afterwards.
  void closed(int socket);

 private:
  using Clock = std::chrono::steady_clock;
  struct Connection {
    int socket;
    Clock::time_point end;
  };
  void watch(const std::stop_token& stop);
  void hang_up(Clock::time_point now);

  const std::chrono::milliseconds longest_;
  std::mutex mutex_;  // guards open_
  std::condition_variable_any changed_;
  std::deque<Connection> open_;  // the oldest first
  std::jthread thread_;          // last: starts when all else is there
};

}  // namespace helix::server
