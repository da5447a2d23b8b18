#include "server/end_watch.h"

#include "server/observe/log.h"
#include "server/wait.h"

#include <cstdlib>

namespace helix::server {
namespace {

// Longer than lanes are waited for, and than libraries take for what they give back.
constexpr std::chrono::seconds kPatience{15};

}  // namespace

void exit_now(int code) {
  log::flush();
  std::_Exit(code);
}

EndWatch::EndWatch(int code)
    : thread_([code](const std::stop_token& stop) {
        wait(kPatience, stop);
        if (stop.stop_requested()) return;
        log::error("server.stuck", {{"seconds", kPatience.count()}});
        exit_now(code);
      }) {}

}  // namespace helix::server
