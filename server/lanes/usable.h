#pragma once

#include <cstddef>
#include <string>

namespace helix::server {

/// Threads that this process can run at one time: its CPU affinity, and the CPU quota of its cgroup (v2).
int usable_cpus();

/// Memory that this process may have, bytes: the machine's, and the limit of its cgroup (v2).
std::size_t usable_memory();

/// CPUs that a cgroup's cpu.max grants ("150000 100000" is 1.5: 2), or 0 where it sets no limit or is no such text.
int quota_of(const std::string& cpu_max);

/// Bytes that a cgroup's memory.max grants, or 0 where it sets no limit or is no such text.
std::size_t limit_of(const std::string& memory_max);

}  // namespace helix::server
