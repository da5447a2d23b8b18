#pragma once

#include "kernels/core/status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace helix {

/// Numbers of a CSV file, column by column, found by the names in its first line.
///
///   std::vector<float> x, var_u;
///   CsvReader csv("TrackML hits file");
///   csv.need("x", x).take("var_u", var_u);       // var_u stays empty where the file has no such column
///   Status status = csv.read("event000000001-hits.csv");
///
/// Other columns are skipped. Line ends may be LF or CRLF, fields may stand between spaces, blank lines are left out.
class CsvReader {
 public:
  using Column = std::variant<std::vector<float>*, std::vector<double>*, std::vector<std::int64_t>*,
                              std::vector<std::int32_t>*, std::vector<std::uint32_t>*>;

  /// `what` a file should be, for "not a <what>: no column x"
  explicit CsvReader(std::string what) : what_(std::move(what)) {}

  CsvReader& need(std::string_view name, Column column) { return add(name, column, true); }
  CsvReader& take(std::string_view name, Column column) { return add(name, column, false); }

  /// Reads a file, gzip-compressed or not, and replaces what the columns held.
  /// errors: not_found (no such file); invalid_argument: file, line, column and what is wrong there: empty file, column
  /// missing or named twice, too few or too many fields, text in a number, a number that does not fit or is not finite
  Status read(const std::string& path);
  /// The same from text; `path` is for messages.
  Status parse(std::string_view text, const std::string& path);

  /// Line of a row, counted from 1, for errors that are found later.
  std::size_t line(std::size_t row) const;

 private:
  struct Wanted {
    std::string name;
    Column column;
    bool needed;
    bool found = false;
  };
  CsvReader& add(std::string_view name, Column column, bool needed);
  Status read_header(std::string_view header, const std::string& path);
  Status read_row(std::string_view row, std::size_t line, const std::string& path);

  std::string what_;
  std::vector<Wanted> wanted_;
  std::vector<std::string> names_;           // of the file's columns
  std::vector<const Column*> field_column_;  // [fields] nullptr: skipped
  std::vector<std::size_t> blank_after_;     // rows read when each blank line was met
};

}  // namespace helix
