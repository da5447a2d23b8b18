#include "kernels/patatrack/config_io.h"

#include "kernels/core/file.h"
#include "kernels/core/settings_toml.h"
#include "kernels/core/toml_reader.h"
#include "kernels/geometry/digest.h"

namespace helix::patatrack {

Status load_config_text(const std::string& text, const std::string& file, Config& config) {
  const Result<toml::table> table = parse_toml(text, file);
  return table.ok() ? load_groups(groups_of(config), *table, file) : table.status();
}

Result<Config> load_config(const std::string& file) {
  const Result<std::string> text = read_file(file);
  if (!text.ok()) return text.status();
  Config config;
  if (Status status = load_config_text(*text, file, config); !status.ok()) return status;
  return config;
}

std::string print_config(const Config& config) {
  Config copy = config;  // groups() is for structs that may change
  return print_toml(groups_of(copy));
}

std::vector<StageSetting> describe_config(const Config& config) {
  Config copy = config;
  std::vector<StageSetting> out;
  for (const FieldGroup& group : groups_of(copy))
    for (const Field& field : group.fields) out.push_back({group.name, describe(field)});
  return out;
}

std::string config_digest(const Config& config) {
  std::string text;
  for (const StageSetting& row : describe_config(config))
    text += row.stage + "." + row.setting.name + " = " + row.setting.value + "\n";
  return sha256(text);
}

std::vector<OptionalColumn> columns_used() {
  return {{"var_u", &HitBatch::var_u},
          {"var_v", &HitBatch::var_v},
          {"size_u", &HitBatch::size_u},
          {"size_v", &HitBatch::size_v}};
}

}  // namespace helix::patatrack
