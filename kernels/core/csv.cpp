#include "kernels/core/csv.h"

#include "kernels/core/file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace helix {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Cuts the part before the next `end` off `text`, and `end` itself.
std::string_view next(std::string_view& text, char end) {
  const void* at = text.empty() ? nullptr : std::memchr(text.data(), end, text.size());
  const std::size_t n = at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : text.size();
  const std::string_view part = text.substr(0, n);
  text.remove_prefix(std::min(n + 1, text.size()));
  return part;
}

template <class T>
const char* expected_of() {
  return std::is_floating_point_v<T> ? "a number" : "a whole number";
}

/// Whether a field that does not fit its type is only too close to 0.
bool is_tiny(std::string_view field) {
  double value = 1;
  const auto error = std::from_chars(field.data(), field.data() + field.size(), value).ec;
  return error == std::errc() && std::abs(value) < 1;
}

/// Appends a field to its column; nullptr, or what it should have been.
template <class T>
const char* append(std::string_view field, std::vector<T>& column) {
  using Parsed = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
  Parsed value{};
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error == std::errc::invalid_argument || end != field.data() + field.size()) return expected_of<T>();
  if constexpr (std::is_floating_point_v<T>) {
    if (error == std::errc::result_out_of_range && is_tiny(field)) {
      column.push_back(0);
      return nullptr;
    }
    if (!std::isfinite(value)) return "finite";
  } else if (value < std::int64_t{std::numeric_limits<T>::lowest()} ||
             value > std::int64_t{std::numeric_limits<T>::max()}) {
    return "in range";
  }
  if (error != std::errc()) return "in range";
  column.push_back(static_cast<T>(value));
  return nullptr;
}

std::string place(const std::string& path, std::size_t line) { return path + ":" + std::to_string(line) + ": "; }

/// A field as it stands in a message: short, and printable.
std::string quoted(std::string_view field) {
  std::string text = "\"";
  for (char c : field.substr(0, 32)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (field.size() > 32 ? "...\"" : "\"");
}

}  // namespace

CsvReader& CsvReader::add(std::string_view name, Column column, bool needed) {
  wanted_.push_back({std::string(name), column, needed});
  return *this;
}

Status CsvReader::read(const std::string& path) {
  Result<std::string> text = read_file(path);
  return text.ok() ? parse(*text, path) : text.status();
}

Status CsvReader::parse(std::string_view text, const std::string& path) {
  for (Wanted& wanted : wanted_) {
    wanted.found = false;
    std::visit([](auto* column) { column->clear(); }, wanted.column);
  }
  blank_after_.clear();
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return invalid_argument(path + ": empty file, not a " + what_);
  if (Status status = read_header(next(text, '\n'), path); !status.ok()) return status;

  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (const Wanted& wanted : wanted_)
    if (wanted.found) std::visit([&](auto* column) { column->reserve(lines); }, wanted.column);
  std::size_t rows = 0;
  for (std::size_t line = 2; !text.empty(); ++line) {
    const std::string_view row = next(text, '\n');
    if (trim(row).empty()) {
      blank_after_.push_back(rows);
      continue;
    }
    if (Status status = read_row(row, line, path); !status.ok()) return status;
    ++rows;
  }
  return {};
}

Status CsvReader::read_header(std::string_view header, const std::string& path) {
  names_.clear();
  field_column_.clear();
  for (bool more = true; more;) {
    more = header.find(',') != std::string_view::npos;
    const std::string name(trim(next(header, ',')));
    if (std::find(names_.begin(), names_.end(), name) != names_.end())
      return invalid_argument(place(path, 1) + "column " + quoted(name) + " is there twice");
    const auto at = std::find_if(wanted_.begin(), wanted_.end(), [&](const Wanted& w) { return w.name == name; });
    names_.push_back(name);
    field_column_.push_back(at == wanted_.end() ? nullptr : &at->column);
    if (at != wanted_.end()) at->found = true;
  }
  for (const Wanted& wanted : wanted_)
    if (wanted.needed && !wanted.found)
      return invalid_argument(path + ": not a " + what_ + ": no column " + wanted.name);
  return {};
}

Status CsvReader::read_row(std::string_view row, std::size_t line, const std::string& path) {
  const auto fields = static_cast<std::size_t>(std::count(row.begin(), row.end(), ',')) + 1;
  if (fields != names_.size())
    return invalid_argument(place(path, line) + std::to_string(fields) + (fields == 1 ? " field, " : " fields, ") +
                            std::to_string(names_.size()) + " expected");
  for (std::size_t i = 0; i < fields; ++i) {
    const std::string_view field = trim(next(row, ','));
    if (!field_column_[i]) continue;
    const char* expected = std::visit([&](auto* column) { return append(field, *column); }, *field_column_[i]);
    if (expected)
      return invalid_argument(place(path, line) + "column " + names_[i] + ": " + quoted(field) + " is not " + expected);
  }
  return {};
}

std::size_t CsvReader::line(std::size_t row) const {
  const auto blanks = std::upper_bound(blank_after_.begin(), blank_after_.end(), row) - blank_after_.begin();
  return row + 2 + static_cast<std::size_t>(blanks);
}

}  // namespace helix
