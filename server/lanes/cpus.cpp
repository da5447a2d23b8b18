#include "server/lanes/cpus.h"

#include <sched.h>

#include <algorithm>
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

}  // namespace

int quota_of(const std::string& cpu_max) {
  std::istringstream text(cpu_max);
  double quota = 0, period = 0;
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min(1e6, (quota + period - 1) / period));
}

int usable_cpus() {
  int cpus = affinity();
  // A quota of any group above holds too.
  for (std::filesystem::path group = own_cgroup();; group = group.parent_path()) {
    if (const int quota = quota_of(first_line(kCgroups / group / "cpu.max"))) cpus = std::min(cpus, quota);
    if (group.empty()) return cpus;
  }
}

}  // namespace helix::server
