#include "kernels/core/toml_reader.h"

#include "kernels/core/file.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace helix {
namespace {

template <class T>
std::string text_of(T value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

}  // namespace

Result<toml::table> read_toml(const std::string& path) {
  Result<std::string> text = read_file(path);
  return text.ok() ? parse_toml(*text, path) : text.status();
}

Result<toml::table> parse_toml(std::string_view text, const std::string& path) {
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    return invalid_argument(path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " +
                            std::string(error.description()));
  }
}

std::string toml_place(const std::string& file, const toml::node& node) {
  const auto line = node.source().begin.line;
  return line > 0 ? file + ":" + std::to_string(line) + ": " : file + ": ";
}

void TomlReader::fail(std::string_view key, const std::string& trouble) {
  if (!status_.ok()) return;
  const toml::node* node = table_.get(key);
  status_ = invalid_argument(toml_place(file_, node ? *node : table_) + prefix_ + std::string(key) + ": " + trouble);
}

const toml::node* TomlReader::find(std::string_view key, bool needed) {
  asked_.emplace_back(key);
  const toml::node* node = table_.get(key);
  if (!node && needed) fail(key, "missing key");
  return node;
}

void TomlReader::need(std::string_view key, std::string& value) {
  const toml::node* node = find(key, true);
  if (!node) return;
  const auto text = node->value_exact<std::string>();
  if (!text) return fail(key, "is not a string");
  value = *text;
}

void TomlReader::need(std::string_view key, double& value, double low, double high) {
  if (find(key, true)) take(key, value, low, high);
}

void TomlReader::take(std::string_view key, double& value, double low, double high) {
  const toml::node* node = find(key, false);
  if (!node) return;
  if (!node->is_number()) return fail(key, "is not a number");
  const double number = *node->value<double>();
  if (!(number >= low && number <= high))
    return fail(key, text_of(number) + " is not within " + text_of(low) + " .. " + text_of(high));
  value = number;
}

void TomlReader::need(std::string_view key, std::int64_t& value, std::int64_t low, std::int64_t high) {
  if (find(key, true)) take(key, value, low, high);
}

void TomlReader::take(std::string_view key, std::int64_t& value, std::int64_t low, std::int64_t high) {
  const toml::node* node = find(key, false);
  if (!node) return;
  const auto number = node->value_exact<std::int64_t>();
  if (!number) return fail(key, "is not a whole number");
  if (*number < low || *number > high)
    return fail(key, text_of(*number) + " is not within " + text_of(low) + " .. " + text_of(high));
  value = *number;
}

bool TomlReader::read_range(const toml::node& node, double& low, double& high) {
  const toml::array* both = node.as_array();
  if (!both || both->size() != 2 || !both->get(0)->is_number() || !both->get(1)->is_number()) return false;
  low = *both->get(0)->value<double>();
  high = *both->get(1)->value<double>();
  return std::isfinite(low) && std::isfinite(high) && low <= high;
}

void TomlReader::need_range(std::string_view key, double& low, double& high) {
  const toml::node* node = find(key, true);
  if (node && !read_range(*node, low, high)) fail(key, "is not two finite numbers in rising order");
}

void TomlReader::take_ranges(std::string_view key, std::vector<std::pair<double, double>>& ranges) {
  const toml::node* node = find(key, false);
  if (!node) return;
  const toml::array* rows = node->as_array();
  if (!rows) return fail(key, "is not an array");
  for (const toml::node& row : *rows) {
    auto& range = ranges.emplace_back();
    if (!read_range(row, range.first, range.second))
      return fail(key, "row " + std::to_string(ranges.size()) + " is not two finite numbers in rising order");
  }
}

void TomlReader::need_numbers(std::string_view key, std::vector<double>& values, double low, double high) {
  const toml::node* node = find(key, true);
  if (!node) return;
  const toml::array* rows = node->as_array();
  if (!rows) return fail(key, "is not an array");
  for (const toml::node& row : *rows) {
    const auto value = row.is_number() ? row.value<double>() : std::nullopt;
    if (!value || !(*value >= low && *value <= high))
      return fail(key, "number " + std::to_string(values.size() + 1) + " is not a number within " +
                           std::to_string(low) + " .. " + std::to_string(high));
    values.push_back(*value);
  }
}

void TomlReader::need_texts(std::string_view key, std::vector<std::string>& texts) {
  const toml::node* node = find(key, true);
  if (!node) return;
  const toml::array* rows = node->as_array();
  if (!rows) return fail(key, "is not an array");
  for (const toml::node& row : *rows) {
    const auto text = row.value_exact<std::string>();
    if (!text) return fail(key, "entry " + std::to_string(texts.size() + 1) + " is not a string");
    texts.push_back(*text);
  }
}

void TomlReader::take(std::string_view key, bool& value) {
  const toml::node* node = find(key, false);
  if (!node) return;
  const auto truth = node->value_exact<bool>();
  if (!truth) return fail(key, "is neither true nor false");
  value = *truth;
}

const toml::table* TomlReader::need_table(std::string_view key) {
  const toml::node* node = find(key, true);
  if (node && !node->is_table()) fail(key, "is not a table");
  return node ? node->as_table() : nullptr;
}

const toml::array* TomlReader::need_tables(std::string_view key) {
  const toml::node* node = find(key, true);
  if (!node) return nullptr;
  const toml::array* array = node->as_array();
  if (array && !array->empty() && array->is_homogeneous(toml::node_type::table)) return array;
  fail(key, "is not an array of tables ([[" + std::string(key) + "]])");
  return nullptr;
}

Status TomlReader::finish() {
  for (const auto& [key, node] : table_)
    if (std::find(asked_.begin(), asked_.end(), key.str()) == asked_.end()) fail(key.str(), "unknown key");
  return status_;
}

}  // namespace helix
