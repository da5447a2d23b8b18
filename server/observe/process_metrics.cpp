#include "server/observe/process_metrics.h"

#include "server/observe/samples.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

namespace helix::server {
namespace {

/// /proc/self/stat from its third field on; see proc(5). The second, the program's name, may hold spaces.
struct Stat {
  double threads, start_ticks, virtual_bytes, resident_pages;
};

std::optional<Stat> read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  const std::vector<std::string> fields((std::istream_iterator<std::string>(rest)), {});
  if (fields.size() < 22) return {};
  const auto field = [&](std::size_t number) { return std::stod(fields[number - 3]); };
  return Stat{field(20), field(22), field(23), field(24)};
}

/// When the machine was started, in seconds since 1970.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;)
    if (double seconds = 0; word == "btime" && file >> seconds) return seconds;
  return {};
}

std::optional<double> open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return {};
  return static_cast<double>(std::distance(begin(files), end(files)) - 1);  // without the one that reads the folder
}

}  // namespace

std::vector<prometheus::MetricFamily> process_metrics() {
  using prometheus::MetricType;
  std::vector<prometheus::MetricFamily> out;
  const auto put = [&](const char* name, const char* help, double value, MetricType type = MetricType::Gauge) {
    out.push_back(Samples(name, help, type).add(value).family());
  };
  out.push_back(
      Samples("helixd_build_info", "1; the version of the program.").add(1, {{"version", HELIX_VERSION}}).family());
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK)), page = static_cast<double>(sysconf(_SC_PAGESIZE));
  if (timespec used{}; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
    put("process_cpu_seconds_total", "Processor time, user and system.",
        static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec), MetricType::Counter);
  if (const auto stat = read_stat()) {
    put("process_threads", "Threads of the process.", stat->threads);
    put("process_resident_memory_bytes", "Memory that is in RAM.", stat->resident_pages * page);
    put("process_virtual_memory_bytes", "Address space in use.", stat->virtual_bytes);
    if (const auto boot = boot_time())
      put("process_start_time_seconds", "When the process was started, since 1970.", *boot + stat->start_ticks / ticks);
  }
  if (const auto files = open_files()) put("process_open_fds", "Open file descriptors.", *files);
  if (rlimit limit{}; getrlimit(RLIMIT_NOFILE, &limit) == 0)
    put("process_max_fds", "Most file descriptors that may be open.", static_cast<double>(limit.rlim_cur));
  return out;
}

}  // namespace helix::server
