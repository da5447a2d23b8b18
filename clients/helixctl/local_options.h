#pragma once

#include "clients/cpp/local.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

namespace helix::helixctl {

/// --geometry, --model, --precision, --settings, --threads: of a pipeline in this process.
struct LocalFlags {
  LocalOptions options;

  /// Returns them: the caller says without which flags they make no sense.
  std::vector<CLI::Option*> add_to(CLI::App& command);
  /// errors: those of LocalReconstructor::make
  Result<std::unique_ptr<LocalReconstructor>> make(const std::string& pipeline) const;
};

}  // namespace helix::helixctl
