#pragma once

#include "kernels/core/status.h"

#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace helix {

/// Parses a TOML file. errors: not_found; invalid_argument with file, line and column
Result<toml::table> read_toml(const std::string& path);
/// The same from text; `path` is for messages.
Result<toml::table> parse_toml(std::string_view text, const std::string& path);

/// "file:line: ", or "file: " for a node that was not read from a file
std::string toml_place(const std::string& file, const toml::node& node);

/// Reads a table key by key, keeps the first thing that is wrong, and in the end what nobody asked for.
///
///   TomlReader reader(table, "geometry.toml", "beam_pipe.");
///   reader.need("radius", radius, 0.0, 1000.0);
///   if (Status status = reader.finish(); !status.ok()) return status;
class TomlReader {
 public:
  /// `prefix` is what stands before a key in messages
  TomlReader(const toml::table& table, std::string file, std::string prefix = "")
      : table_(table), file_(std::move(file)), prefix_(std::move(prefix)) {}

  /// A key that must be there. Numbers must be finite and within low .. high.
  void need(std::string_view key, std::string& value);
  void need(std::string_view key, double& value, double low, double high);
  void need(std::string_view key, std::int64_t& value, std::int64_t low, std::int64_t high);
  /// Two numbers in rising order.
  void need_range(std::string_view key, double& low, double& high);
  /// A key that may be missing: the value is left as it was.
  void take(std::string_view key, std::int64_t& value, std::int64_t low, std::int64_t high);
  void take(std::string_view key, double& value, double low, double high);
  /// An array of such ranges.
  void take_ranges(std::string_view key, std::vector<std::pair<double, double>>& ranges);
  /// An array of numbers, all finite and within low .. high.
  void need_numbers(std::string_view key, std::vector<double>& values, double low, double high);
  /// An array of strings.
  void need_texts(std::string_view key, std::vector<std::string>& texts);
  void take(std::string_view key, bool& value);
  /// A table, or an array of tables, at least one; nullptr, and an error noted, where it is missing.
  const toml::table* need_table(std::string_view key);
  const toml::array* need_tables(std::string_view key);

  /// Records trouble with a key, unless there was some before.
  void fail(std::string_view key, const std::string& trouble);
  /// The first thing that was wrong, else the first key that nobody asked for.
  Status finish();

 private:
  const toml::node* find(std::string_view key, bool needed);
  bool read_range(const toml::node& node, double& low, double& high);

  const toml::table& table_;
  std::string file_, prefix_;
  std::vector<std::string> asked_;
  Status status_;
};

}  // namespace helix
