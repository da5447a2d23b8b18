#pragma once

#include "clients/cpp/local.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace helix::helixctl {

/// --geometry, --model, --precision, --settings, --threads: of a pipeline in this process.
struct LocalFlags {
  LocalOptions options;

  /// `needs`: the flag without which they make no sense; null: there is none.
  void add_to(CLI::App& command, CLI::Option* needs);
  /// errors: those of LocalReconstructor::make
  Result<std::unique_ptr<LocalReconstructor>> make(const std::string& pipeline) const;
};

}  // namespace helix::helixctl
