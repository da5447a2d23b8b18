#include "server/signals.h"

#include <cerrno>
#include <ctime>
#include <initializer_list>

namespace helix::server {

Signals::Signals() : thread_(pthread_self()) {
  sigemptyset(&set_);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int Signals::wait() {
  const timespec an_hour{.tv_sec = 3600, .tv_nsec = 0};
  for (;;) {
    const int signal = sigtimedwait(&set_, nullptr, &an_hour);
    if (signal > 0) return signal == SIGUSR1 ? 0 : signal;
  }
}

}  // namespace helix::server
