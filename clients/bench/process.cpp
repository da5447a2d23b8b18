#include "clients/bench/process.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace helix::bench {
namespace {

/// utime + stime: fields 14 and 15; the second, the name, is in brackets and may hold blanks.
std::optional<double> cpu_seconds(const std::string& folder) {
  std::ifstream file(folder + "/stat");
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

std::optional<ProcessUse> process_use(std::int64_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::optional<double> cpu = cpu_seconds(folder);
  if (!cpu) return std::nullopt;
  ProcessUse use;
  use.cpu_seconds = *cpu;
  std::ifstream status(folder + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) use.rss_mib = std::stod(line.substr(6)) / 1024;
    if (line.starts_with("VmHWM:")) use.most_rss_mib = std::stod(line.substr(6)) / 1024;
  }
  return use;
}

}  // namespace helix::bench
