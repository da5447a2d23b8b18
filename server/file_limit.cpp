#include "server/file_limit.h"

#include "server/observe/log.h"

#include <sys/resource.h>

#include <cerrno>
#include <system_error>

namespace helix::server {

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return log::warn("files.limit", {{"limit", before}, {"error", std::generic_category().message(errno)}});
  log::debug("files.limit", {{"before", before}, {"now", limit.rlim_max}});
}

}  // namespace helix::server
