#include "kernels/core/csv.h"

#include <catch2/catch.hpp>

#include <limits>

namespace helix {
namespace {

struct Table {
  std::vector<std::int64_t> id;
  std::vector<float> x;
  std::vector<double> y;
  std::vector<std::uint32_t> module;

  Status parse(const std::string& text) {
    CsvReader csv("test file");
    csv.need("id", &id).need("x", &x).take("y", &y).take("module", &module);
    return csv.parse(text, "t.csv");
  }
};

TEST_CASE("csv: columns are found by name, others skipped") {
  Table t;
  const Status status = t.parse("other,x,id\nabc,1.5,7\n,-2e-3,8\n");
  REQUIRE(status.message() == "");
  CHECK(t.id == std::vector<std::int64_t>{7, 8});
  CHECK(t.x == std::vector<float>{1.5f, -2e-3f});
  CHECK(t.y.empty());
}

TEST_CASE("csv: CRLF, spaces, blank lines, a byte order mark and a missing last line end are fine") {
  Table t;
  const Status status = t.parse("\xef\xbb\xbfid , x\r\n 1,\t2 \r\n\r\n3, 4");
  REQUIRE(status.message() == "");
  CHECK(t.id == std::vector<std::int64_t>{1, 3});
  CHECK(t.x == std::vector<float>{2, 4});
}

TEST_CASE("csv: reading again replaces what was there") {
  Table t;
  REQUIRE(t.parse("id,x\n1,1\n2,2\n").ok());
  REQUIRE(t.parse("id,x\n3,3\n").ok());
  CHECK(t.id == std::vector<std::int64_t>{3});
}

TEST_CASE("csv: floats are read back as they were printed, from the largest to what is too small") {
  Table t;
  REQUIRE(t.parse("id,x\n1,3.4028235e+38\n2,-1.17549435e-38\n3,1e-60\n4,0.1\n").message() == "");
  CHECK(t.x == std::vector<float>{std::numeric_limits<float>::max(), -std::numeric_limits<float>::min(), 0, 0.1f});
}

TEST_CASE("csv: a table without rows is empty columns") {
  Table t;
  REQUIRE(t.parse("id,x,y\n").ok());
  CHECK(t.id.empty());
}

TEST_CASE("csv: what is wrong is named with file, line and column") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"", "t.csv: empty file, not a test file"},
      {" \r\n", "t.csv: empty file, not a test file"},
      {"id,y\n1,2\n", "t.csv: not a test file: no column x"},
      {"id,x,id\n1,2,3\n", "t.csv:1: column \"id\" is there twice"},
      {"id,x\n1,2\n3\n", "t.csv:3: 1 field, 2 expected"},
      {"id,x\n1,2,\n", "t.csv:2: 3 fields, 2 expected"},
      {"id,x\n1,two\n", "t.csv:2: column x: \"two\" is not a number"},
      {"id,x\n1,2.5mm\n", "t.csv:2: column x: \"2.5mm\" is not a number"},
      {"id,x\n1,\n", "t.csv:2: column x: \"\" is not a number"},
      {"id,x\n1.5,2\n", "t.csv:2: column id: \"1.5\" is not a whole number"},
      {"id,x\n\n1,nan\n", "t.csv:3: column x: \"nan\" is not finite"},
      {"id,x\n1,-inf\n", "t.csv:2: column x: \"-inf\" is not finite"},
      {"id,x\n1,1e39\n", "t.csv:2: column x: \"1e39\" is not in range"},
      {"id,x,module\n1,2,-1\n", "t.csv:2: column module: \"-1\" is not in range"},
      {"id,x,module\n1,2,4294967296\n", "t.csv:2: column module: \"4294967296\" is not in range"},
      {"id,x\n1,\x01\xff"
       "bcdefghijklmnopqrstuvwxyzabcdefgh\n",
       "t.csv:2: column x: \"??bcdefghijklmnopqrstuvwxyzabcde...\" is not a number"},
  }));
  Table t;
  const Status status = t.parse(text);
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message() == message);
}

TEST_CASE("csv: a row's line counts the blank ones before it") {
  std::vector<float> x;
  CsvReader csv("test file");
  csv.need("x", &x);
  REQUIRE(csv.parse("x\n1\n\n2\n\n\n3\n", "t.csv").ok());
  CHECK(csv.line(0) == 2);
  CHECK(csv.line(1) == 4);
  CHECK(csv.line(2) == 7);
}

}  // namespace
}  // namespace helix
