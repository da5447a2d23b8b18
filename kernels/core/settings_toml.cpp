#include "kernels/core/settings_toml.h"

#include "kernels/core/toml_reader.h"

#include <algorithm>
#include <optional>

namespace helix {
namespace {

std::optional<SettingValue> value_of(const toml::node& node) {
  if (const auto flag = node.value_exact<bool>()) return SettingValue(*flag);
  if (const auto integer = node.value_exact<std::int64_t>()) return SettingValue(*integer);
  if (const auto number = node.value_exact<double>()) return SettingValue(*number);
  if (const auto text = node.value_exact<std::string>()) return SettingValue(*text);
  return std::nullopt;
}

template <class Named>
Named* find(std::vector<Named>& all, std::string_view name) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.name == name; });
  return at == all.end() ? nullptr : &*at;
}

}  // namespace

Status load_fields(std::vector<Field> fields, const toml::table& table, const std::string& file,
                   const std::string& prefix) {
  for (const auto& [key, node] : table) {
    const std::string place = toml_place(file, node) + prefix + std::string(key.str()) + ": ";
    Field* field = find(fields, key.str());
    if (!field) return invalid_argument(place + "unknown key");
    const std::optional<SettingValue> value = value_of(node);
    if (!value) return invalid_argument(place + "is neither a number nor a string, true or false");
    if (Status status = set_checked(*field, *value); !status.ok()) return invalid_argument(place + status.message());
  }
  return {};
}

Status load_groups(const std::vector<FieldGroup>& groups, const toml::table& table, const std::string& file,
                   const std::string& prefix) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const std::string place = toml_place(file, node) + prefix + name + ": ";
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const FieldGroup& g) { return g.name == name; });
    if (group == groups.end()) return invalid_argument(place + "unknown table");
    if (!node.is_table()) return invalid_argument(place + "is not a table");
    if (Status status = load_fields(group->fields, *node.as_table(), file, prefix + name + "."); !status.ok())
      return status;
  }
  return {};
}

}  // namespace helix
