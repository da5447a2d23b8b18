#pragma once

#include <cstdint>
#include <optional>

namespace helix::bench {

/// What a process of this machine has used.
struct ProcessUse {
  double cpu_seconds = 0;  // all threads, user and system
  double rss_mib = 0, most_rss_mib = 0;
};

/// From /proc; nothing if there is no such process.
std::optional<ProcessUse> process_use(std::int64_t pid);

}  // namespace helix::bench
