#pragma once

#include <string>

namespace helix::server {

/// Threads that this process can run at one time: its CPU affinity, and the CPU quota of its cgroup (v2).
int usable_cpus();

/// CPUs that a cgroup's cpu.max grants ("150000 100000" is 1.5: 2), or 0 where it sets no limit or is no such text.
int quota_of(const std::string& cpu_max);

}  // namespace helix::server
