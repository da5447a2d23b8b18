#pragma once

#include <CLI/CLI.hpp>

namespace helix::helixctl {

/// What the program returns.
enum ExitCode : int {
  kAllWell = 0,
  kSomeFailed = 1,  // events, each named; the others are written. Or: the server is not healthy
  kBadInput = 2,    // usage, or an input file
  kNoServer = 3,
};

// One subcommand each: declares its options, and when chosen runs and sets `exit_code`.
void add_reconstruct(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_health(CLI::App& app, int& exit_code);
void add_pipelines(CLI::App& app, int& exit_code);
void add_validate(CLI::App& app, int& exit_code);
void add_features(CLI::App& app, int& exit_code);
void add_plan(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_drain(CLI::App& app, int& exit_code);
void add_reload(CLI::App& app, int& exit_code);
void add_trace(CLI::App& app, int& exit_code);
void add_log_level(CLI::App& app, int& exit_code);

}  // namespace helix::helixctl
