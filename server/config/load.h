#pragma once

#include "kernels/core/status.h"
#include "server/config/options.h"

#include <string>

namespace helix::server {

/// What the command line asks for.
struct CommandLine {
  enum class Task { serve, check_config, print_config, print_text };
  Task task = Task::serve;
  Options options;   // defaults, then the file, then flags
  std::string text;  // print_text: help, or the version
};

/// Reads --config FILE and the flags. A flag's name is its table and key, --queue-max-requests; those of [server] go
/// without the table, --listen; of a flag given twice the last holds.
/// errors: not_found (file), invalid_argument that names file, line and key, or the flag
Result<CommandLine> read_command_line(int argc, const char* const* argv);

/// Sets what a TOML file has. errors: as above
Status load_options(const std::string& file, Options& options);

/// All settings as TOML with comments, which load_options reads back to the same values.
std::string print_options(const Options& options);

}  // namespace helix::server
