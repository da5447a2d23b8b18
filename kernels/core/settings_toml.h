#pragma once

#include "kernels/core/settings.h"
#include "kernels/core/status.h"

#include <toml++/toml.h>

#include <string>
#include <vector>

namespace helix {

/// Sets fields from the keys of a table; those that it has not stay as they are.
/// file    for messages, as is prefix, which stands before a key: "patatrack.doublets."
/// errors  invalid_argument with file, line and key: unknown key, wrong type, out of range (with the range)
Status load_fields(std::vector<Field> fields, const toml::table& table, const std::string& file,
                   const std::string& prefix = "");

/// The same for groups: a sub-table each.
Status load_groups(const std::vector<FieldGroup>& groups, const toml::table& table, const std::string& file,
                   const std::string& prefix = "");

}  // namespace helix
