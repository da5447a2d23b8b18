#pragma once

#include <pthread.h>
#include <signal.h>

namespace helix::server {

/// Takes the signals that end the daemon as values. Made first in main: threads made later inherit the blocked mask.
class Signals {
 public:
  /// Blocks SIGTERM, SIGINT and SIGHUP in this thread, and ignores SIGPIPE.
  Signals();

  /// Waits for SIGTERM, SIGINT, SIGHUP, or 0: wake was called. Called by the thread that made this.
  int wait();

  /// Ends a wait; from any thread.
  void wake() const { pthread_kill(thread_, SIGUSR1); }

 private:
  const pthread_t thread_;
  sigset_t set_;
};

}  // namespace helix::server
