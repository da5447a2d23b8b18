#include "server/lanes/usable.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace helix::server {
namespace {

constexpr const char* kCgroups = "/sys/fs/cgroup";

int affinity() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// Path of this process's group below kCgroups: the line "0::/path".
std::string own_cgroup() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::/")) return line.substr(4);
  return "";
}

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Calls visit with what this file says in the process's own cgroup, and in all above: their limits hold too.
template <class Visit>
void visit_cgroups(const char* file, const Visit& visit) {
  for (std::filesystem::path group = own_cgroup();; group = group.parent_path()) {
    visit(first_line(kCgroups / group / file));
    if (group.empty()) return;
  }
}

}  // namespace

int quota_of(const std::string& cpu_max) {
  std::istringstream text(cpu_max);
  double quota = 0, period = 0;
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min(1e6, (quota + period - 1) / period));
}

std::size_t limit_of(const std::string& memory_max) {
  std::size_t bytes = 0;
  std::from_chars(memory_max.data(), memory_max.data() + memory_max.size(), bytes);
  return bytes;
}

int usable_cpus() {
  int cpus = affinity();
  visit_cgroups("cpu.max", [&](const std::string& text) {
    if (const int quota = quota_of(text)) cpus = std::min(cpus, quota);
  });
  return cpus;
}

std::size_t usable_memory() {
  auto bytes = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  visit_cgroups("memory.max", [&](const std::string& text) {
    if (const std::size_t limit = limit_of(text)) bytes = std::min(bytes, limit);
  });
  return bytes;
}

}  // namespace helix::server
