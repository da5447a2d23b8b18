#include "server/config/load.h"

#include "kernels/core/settings_toml.h"
#include "kernels/core/toml_reader.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace helix::server {
namespace {

constexpr const char* kPatatrack = "patatrack";

/// All groups with the tables that they are in TOML: "queue", "patatrack.doublets".
std::vector<FieldGroup> all_groups(Options& options) {
  std::vector<FieldGroup> groups = groups_of(options);
  for (FieldGroup& group : groups_of(options.patatrack))
    groups.push_back({kPatatrack + ("." + group.name), std::move(group.fields)});
  return groups;
}

/// --listen, --queue-max-requests, --patatrack-doublets-min-pt
std::string flag_name(const std::string& table, const std::string& key) {
  std::string name = "--" + (table == "server" ? key : table + "-" + key);
  for (char& c : name)
    if (c == '_' || c == '.') c = '-';
  return name;
}

struct FlagValue {
  Field field;
  std::string flag, text;
};

Status apply(std::vector<FlagValue>& values) {
  for (auto& [field, flag, text] : values)
    if (const Status status = set_from_text(field, text); !status.ok())
      return invalid_argument("command line, " + flag + ": " + status.message());
  return {};
}

/// The parser of flags: collects their values, which are set after the file has been read.
class Flags {
 public:
  explicit Flags(Options& options) {
    app_.set_version_flag("--version", "helixd " HELIX_VERSION);
    app_.add_option("--config", file_, "TOML file of settings")->type_name("FILE");
    app_.add_flag("--check-config", check_, "read settings and geometry, say what is wrong, and end");
    app_.add_flag("--print-config", print_, "print all settings as TOML, and end");
    for (const FieldGroup& group : all_groups(options))
      for (const Field& field : group.fields) add(group.name, field);
  }

  Status parse(int argc, const char* const* argv, CommandLine& out) {
    try {
      app_.parse(words_of(argc, argv));
    } catch (const CLI::CallForHelp&) {
      return print(out, app_.help());
    } catch (const CLI::CallForVersion&) {
      return print(out, app_.version() + "\n");
    } catch (const CLI::ParseError& error) {
      return invalid_argument(std::string("command line: ") + error.what());
    }
    if (print_) out.task = CommandLine::Task::print_config;
    if (check_) out.task = CommandLine::Task::check_config;
    return {};
  }

  const std::string& file() const { return file_; }
  std::vector<FlagValue>& values() { return values_; }

 private:
  /// The arguments, last one first, as CLI11 wants them. "--flag=" becomes "--flag" "": CLI11 2.1 would take the next
  /// word for its value.
  static std::vector<std::string> words_of(int argc, const char* const* argv) {
    std::vector<std::string> words;
    for (int i = 1; i < argc; ++i) {
      std::string word = argv[i];
      const bool empty_value = word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1;
      if (empty_value) word.pop_back();
      words.push_back(std::move(word));
      if (empty_value) words.emplace_back();
    }
    std::reverse(words.begin(), words.end());
    return words;
  }

  void add(const std::string& table, const Field& field) {
    const std::string flag = flag_name(table, field.name);
    const Setting setting = describe(field);
    std::string help = setting.help + " [" + setting.value + (setting.unit.empty() ? "" : " " + setting.unit) + "]";
    app_.add_option_function<std::string>(
            flag,
            [this, field, flag](const std::string& text) {
              values_.push_back({field, flag, text});
            },
            help)
        ->type_name("")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group("[" + table + "]");
  }

  static Status print(CommandLine& out, std::string text) {
    out.task = CommandLine::Task::print_text;
    out.text = std::move(text);
    return {};
  }

  CLI::App app_{"helixd: track reconstruction as a service", "helixd"};
  std::string file_;
  bool check_ = false, print_ = false;
  std::vector<FlagValue> values_;
};

}  // namespace

Status load_options(const std::string& file, Options& options) {
  Result<toml::table> table = read_toml(file);
  if (!table.ok()) return table.status();
  toml::table patatrack;
  if (toml::node* node = table->get(kPatatrack)) {
    if (!node->is_table()) return invalid_argument(toml_place(file, *node) + kPatatrack + ": is not a table");
    patatrack = std::move(*node->as_table());  // a copy would not know its lines
    table->erase(kPatatrack);
  }
  if (const Status status = load_groups(groups_of(options), *table, file); !status.ok()) return status;
  return load_groups(groups_of(options.patatrack), patatrack, file, kPatatrack + std::string("."));
}

Result<CommandLine> read_command_line(int argc, const char* const* argv) {
  CommandLine line;
  Flags flags(line.options);
  if (const Status status = flags.parse(argc, argv, line); !status.ok()) return status;
  if (line.task == CommandLine::Task::print_text) return line;
  if (!flags.file().empty())
    if (const Status status = load_options(flags.file(), line.options); !status.ok()) return status;
  if (const Status status = apply(flags.values()); !status.ok()) return status;
  return line;
}

std::string print_options(const Options& options) {
  Options copy = options;  // fields refer to what they can change
  return "# Settings of helixd, with their defaults unless changed here. Each is a flag too: helixd --help.\n\n" +
         print_toml(all_groups(copy));
}

}  // namespace helix::server
