#pragma once

#include "kernels/core/settings.h"
#include "kernels/core/status.h"
#include "kernels/event/hits.h"
#include "kernels/patatrack/config.h"

#include <string>
#include <vector>

namespace helix::patatrack {

/// A setting and the stage it belongs to.
struct StageSetting {
  std::string stage;
  Setting setting;
};

/// Reads a TOML file with a table a stage, over the defaults.
/// errors: not_found; invalid_argument with file, line, key and what is allowed
Result<Config> load_config(const std::string& file);

/// The same from text, over `config` as it is; `file` is for messages.
Status load_config_text(const std::string& text, const std::string& file, Config& config);

/// All settings as TOML with comments; load_config reads it back to the same values.
std::string print_config(const Config& config);

std::vector<StageSetting> describe_config(const Config& config);

/// Optional columns of hits that the pipeline looks at, where they are there.
std::vector<OptionalColumn> columns_used();

/// SHA-256 of all stages' names and values: changes with a value, not with help texts or the order in a file.
std::string config_digest(const Config& config);

}  // namespace helix::patatrack
