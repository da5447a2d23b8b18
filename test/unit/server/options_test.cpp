#include "server/config/load.h"
#include "server/lanes/engines.h"
#include "server/lanes/usable.h"
#include "test/support/temp_folder.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;

namespace {

Result<CommandLine> read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "helixd");
  return read_command_line(static_cast<int>(arguments.size()), arguments.data());
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("what is wrong in a settings file is named with file, line and key") {
  const TempFolder folder;
  const auto [text, error] = GENERATE(table<const char*, const char*>({
      {"[server]\n\nlisten_on = \"x\"\n", ":3: server.listen_on: unknown key"},
      {"[server]\nlisten = 5\n", ":2: server.listen: is not a string"},
      {"[queue]\nmax_requests = 0\n", ":2: queue.max_requests: 0 is not within 1 .. 1000000"},
      {"[queue]\nmax_requests = 1.5\n", ":2: queue.max_requests: is not a whole number"},
      {"[queue]\nretry_after = \"soon\"\n", ":2: queue.retry_after: \"soon\" is not a duration"},
      {"[server]\nbackend = \"gpu\"\n", ":2: server.backend: \"gpu\" is none of \"auto\", \"cuda\", \"cpu\""},
      {"[limits]\nmax_hits = true\n", ":2: limits.max_hits: is not a whole number"},
      {"[sever]\n", ":1: sever: unknown table"},
      {"listen = \"x\"\n", ":1: listen: unknown table"},
      {"[patatrack.doublets]\nmin_p = 1\n", ":2: patatrack.doublets.min_p: unknown key"},
      {"\n[patatrack.doublets]\nmin_pt = -1.0\n", ":3: patatrack.doublets.min_pt: -1.0 is not within"},
      {"[patatrack.dublets]\n", ":1: patatrack.dublets: unknown table"},
      {"patatrack = 3\n", ":1: patatrack: is not a table"},
      {"[server\n", ":1:"},
  }));
  const std::string file = folder.write("helixd.toml", text);
  const auto line = read({"--config", file.c_str()});
  REQUIRE_FALSE(line.ok());
  CHECK(line.status().code() == Code::invalid_argument);
  CHECK_THAT(line.status().message(), Catch::StartsWith(file + error));
}

TEST_CASE("what is wrong on the command line is named with its flag") {
  const auto [flag, value, error] = GENERATE(table<const char*, const char*, const char*>({
      {"--queue-max-requests", "many", "--queue-max-requests: max_requests: \"many\" is not a whole number"},
      {"--drain-timeout", "5", "--drain-timeout: drain_timeout: \"5\" is not a duration"},
      {"--patatrack-doublets-min-pt", "1e9", "--patatrack-doublets-min-pt: min_pt: 1e+09 is not within"},
      {"--lisen", "x", "--lisen"},
  }));
  const auto line = read({flag, value});
  REQUIRE_FALSE(line.ok());
  CHECK(line.status().code() == Code::invalid_argument);
  CHECK_THAT(line.status().message(), Catch::StartsWith("command line") && Catch::Contains(error));
}

TEST_CASE("a missing settings file is not found") {
  const auto line = read({"--config", "/nowhere/helixd.toml"});
  REQUIRE_FALSE(line.ok());
  CHECK(line.status().code() == Code::not_found);
  CHECK_THAT(line.status().message(), Catch::Contains("/nowhere/helixd.toml"));
}

TEST_CASE("a flag with nothing behind its = is empty, and the next word stays itself") {
  const auto line = read({"--exatrkx-models=", "--port-file=", "--listen", "b:2", "--geometry=here"});
  REQUIRE(line.ok());
  CHECK(line->options.exatrkx.models.empty());
  CHECK(line->options.server.port_file.empty());
  CHECK(line->options.server.listen == "b:2");
  CHECK(line->options.server.geometry == "here");
}

TEST_CASE("flags win over the file, the file over the defaults") {
  const TempFolder folder;
  const std::string file =
      folder.write("helixd.toml", "[server]\nlisten = \"a:1\"\ncpu_lanes = 3\n[patatrack.doublets]\nmin_pt = 0.7\n");
  const auto line = read({"--listen", "b:2", "--config", file.c_str(), "--drain-timeout", "1500ms"});
  REQUIRE(line.ok());
  CHECK(line->options.server.listen == "b:2");
  CHECK(line->options.server.cpu_lanes == 3);
  CHECK(line->options.server.drain_timeout == 1500ms);
  CHECK(line->options.patatrack.doublets.min_pt == 0.7f);
  CHECK(line->options.queue.max_requests == QueueOptions().max_requests);
}

TEST_CASE("help and version are texts, checks and prints are tasks") {
  CHECK(read({"--version"})->text == "helixd " HELIX_VERSION "\n");
  CHECK_THAT(read({"--help"})->text, Catch::Contains("--queue-max-requests"));
  CHECK(read({"--check-config"})->task == CommandLine::Task::check_config);
  CHECK(read({"--print-config"})->task == CommandLine::Task::print_config);
  CHECK(read({})->task == CommandLine::Task::serve);
}

TEST_CASE("printed settings are read back to the same values") {
  const TempFolder folder;
  Options options;
  options.server.listen = "unix:/run/\"odd\"";
  options.server.drain_timeout = 1234ms;
  options.log.format = log::Format::json;
  options.beam_spot.z = 0.1f;
  options.patatrack.doublets.min_pt = 0.3f;
  const std::string printed = print_options(options);
  Options loaded;
  REQUIRE(load_options(folder.write("helixd.toml", printed), loaded).ok());
  CHECK(print_options(loaded) == printed);
  CHECK(loaded.server.listen == options.server.listen);
  CHECK(printed != print_options(Options()));
}

TEST_CASE("config/helixd.toml is what --print-config prints") {
  CHECK(text_of(HELIX_SOURCE_DIR "/config/helixd.toml") == print_options(Options()));
}

TEST_CASE("a CPU quota is rounded up to whole CPUs") {
  CHECK(quota_of("150000 100000") == 2);
  CHECK(quota_of("100000 100000") == 1);
  CHECK(quota_of("5000 100000") == 1);
  CHECK(quota_of("max 100000") == 0);
  CHECK(quota_of("") == 0);
  CHECK(usable_cpus() >= 1);
}

TEST_CASE("CPU lanes: one for so many threads, each with its part of the memory") {
  ServerOptions options;
  CHECK(cpu_lanes(options) == usable_cpus());
  options.cpu_threads = 4096;
  CHECK(cpu_lanes(options) == 1);
  options.cpu_lanes = 3;
  CHECK(cpu_lanes(options) == 3);
  CHECK(limit_of("17179869184") == std::size_t{16} << 30);
  CHECK(limit_of("max") == 0);
  CHECK(limit_of("") == 0);
  CHECK(usable_memory() > std::size_t{64} << 20);
  CHECK(cpu_lane_budget(1000, 4, 10000) == 1000);
  CHECK(cpu_lane_budget(1000, 8, 10000) == 625);
}
