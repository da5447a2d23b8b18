#include "server/observe/grpc_log.h"

#include "server/observe/log.h"

#include <grpc/support/log.h>

namespace helix::server {
namespace {

// Its errors are warnings here: none of them ends the daemon, and what ends a call is logged with the call.
void write(gpr_log_func_args* message) {
  const auto level = message->severity == GPR_LOG_SEVERITY_ERROR ? log::Level::warn : log::Level::debug;
  log::write_limited(level, "grpc.message", {{"text", message->message}});
}

}  // namespace

void route_grpc_log() { gpr_set_log_function(write); }

}  // namespace helix::server
