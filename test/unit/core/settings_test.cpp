#include "kernels/core/settings.h"

#include "kernels/core/settings_toml.h"
#include "kernels/core/toml_reader.h"

#include <catch2/catch.hpp>

namespace helix {
namespace {

using namespace std::chrono_literals;

enum class Backend { automatic, cpu, cuda };

const char* const* setting_names(Backend) {
  static constexpr const char* kNames[] = {"auto", "cpu", "cuda", nullptr};
  return kNames;
}

struct Sample {
  float cut = 0.45f;
  double width = 2;
  std::int32_t count = 3;
  std::uint64_t bytes = 1 << 20;
  bool on = true;
  std::string text = "a \"b\"\n";
  std::chrono::microseconds wait{5000};
  Backend backend = Backend::automatic;

  template <class Field>
  void fields(Field&& field) {
    field("cut", cut, in(0.05f, 100.f), "GeV", "least momentum");
    field("width", width, in(0., 10.), "mm", "a width");
    field("count", count, in(-1, 5), "how many");
    field("bytes", bytes, in(1, std::int64_t{1} << 40), "bytes", "how much");
    field("on", on, "", "whether");
    field("text", text, "what");
    field("wait", wait, in(0us, 1s), "how long");
    field("backend", backend, "", "where");
  }
};

struct Whole {
  Sample first, second;
  template <class Group>
  void groups(Group&& group) {
    group("first", first);
    group("second", second);
  }
};

Status load(Sample& sample, const std::string& text) {
  const Result<toml::table> table = parse_toml(text, "s.toml");
  return table.ok() ? load_fields(fields_of(sample), *table, "s.toml", "sample.") : table.status();
}

TEST_CASE("settings: TOML sets what it names and leaves the rest") {
  Sample s;
  const Status status = load(s, R"(
cut = 0.05
width = 3          # a whole number will do for a number
count = -1
bytes = 1099511627776
on = false
text = "x"
wait = "1s"
backend = "cuda"
)");
  REQUIRE(status.message() == "");
  CHECK(s.cut == 0.05f);
  CHECK(s.width == 3);
  CHECK(s.count == -1);
  CHECK(s.bytes == std::uint64_t{1} << 40);
  CHECK_FALSE(s.on);
  CHECK(s.text == "x");
  CHECK(s.wait == 1s);
  CHECK(s.backend == Backend::cuda);
  REQUIRE(load(s, "count = 5").ok());
  CHECK(s.count == 5);
  CHECK(s.cut == 0.05f);
}

TEST_CASE("settings: what is wrong is named with file, line, key and what is allowed") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"\ncuts = 1", "s.toml:2: sample.cuts: unknown key"},
      {"cut = 0.01", "s.toml:1: sample.cut: 0.01 is not within 0.05 .. 100.0 GeV"},
      {"cut = nan", "s.toml:1: sample.cut: nan is not within 0.05 .. 100.0 GeV"},
      {"cut = \"1\"", "s.toml:1: sample.cut: is not a number"},
      {"width = true", "s.toml:1: sample.width: is not a number"},
      {"count = 6", "s.toml:1: sample.count: 6 is not within -1 .. 5"},
      {"count = 1.0", "s.toml:1: sample.count: is not a whole number"},
      {"on = 1", "s.toml:1: sample.on: is not true or false"},
      {"text = 1", "s.toml:1: sample.text: is not a string"},
      {"wait = 5", "s.toml:1: sample.wait: is not a duration with its unit, as \"5ms\""},
      {"wait = \"2s\"", "s.toml:1: sample.wait: \"2s\" is not within \"0s\" .. \"1s\""},
      {"wait = \"5\"",
       "s.toml:1: sample.wait: \"5\" is not a duration with its unit: ns, us, ms, s, min or h, as \"5ms\""},
      {"backend = \"gpu\"", "s.toml:1: sample.backend: \"gpu\" is none of \"auto\", \"cpu\", \"cuda\""},
      {"cut = [1]", "s.toml:1: sample.cut: is neither a number nor a string, true or false"},
  }));
  Sample s;
  const Status status = load(s, text);
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message() == message);
}

TEST_CASE("settings: text that is not TOML is an error with line and column") {
  Sample s;
  CHECK_THAT(load(s, "cut = \n").message(), Catch::StartsWith("s.toml:1:7: "));
}

TEST_CASE("settings: printed TOML reads back to the same values") {
  Whole whole;
  whole.first.cut = 0.1f;
  whole.second.wait = 1500us;
  whole.second.backend = Backend::cpu;
  const std::string text = print_toml(groups_of(whole), "p.");
  CHECK_THAT(text, Catch::Contains("# least momentum (GeV, 0.05 .. 100.0)\ncut = 0.1\n"));
  CHECK_THAT(text, Catch::Contains("\n[p.second]\n"));

  const Result<toml::table> table = parse_toml(text, "p.toml");
  REQUIRE(table.ok());
  Whole back;
  const Status status = load_groups(groups_of(back), *(*table)["p"].as_table(), "p.toml");
  REQUIRE(status.message() == "");
  CHECK(print_toml(groups_of(back), "p.") == text);
  CHECK(back.first.cut == 0.1f);
  CHECK(back.second.wait == 1500us);
  CHECK(back.first.text == whole.first.text);
}

TEST_CASE("settings: unknown tables and what is no table are errors") {
  Whole whole;
  const auto load_whole = [&](const std::string& text) {
    const Result<toml::table> table = parse_toml(text, "w.toml");
    return load_groups(groups_of(whole), *table, "w.toml").message();
  };
  CHECK(load_whole("[third]\ncut = 1") == "w.toml:1: third: unknown table");
  CHECK(load_whole("first = 1") == "w.toml:1: first: is not a table");
  CHECK(load_whole("[second]\ncut = 1000") == "w.toml:2: second.cut: 1000.0 is not within 0.05 .. 100.0 GeV");
}

TEST_CASE("settings: flags are TOML without the quotes") {
  Sample s;
  std::vector<Field> fields = fields_of(s);
  const auto set = [&](const std::string& name, const std::string& text) {
    for (Field& field : fields)
      if (field.name == name) return set_from_text(field, text);
    return internal_error("no such field");
  };
  CHECK(set("cut", "1.5").ok());
  CHECK(set("count", "2").ok());
  CHECK(set("on", "false").ok());
  CHECK(set("text", "true").ok());
  CHECK(set("wait", "250us").ok());
  CHECK(set("backend", "cpu").ok());
  CHECK(s.cut == 1.5f);
  CHECK(s.count == 2);
  CHECK_FALSE(s.on);
  CHECK(s.text == "true");
  CHECK(s.wait == 250us);
  CHECK(s.backend == Backend::cpu);
  CHECK(set("count", "2x").message() == "count: \"2x\" is not a whole number");
  CHECK(set("on", "yes").message() == "on: \"yes\" is not true or false");
  CHECK(set("cut", "1000").message() == "cut: 1000.0 is not within 0.05 .. 100.0 GeV");
}

TEST_CASE("settings: durations") {
  const auto [text, nanoseconds, printed] = GENERATE(table<std::string, std::int64_t, std::string>({
      {"0", 0, "0s"},
      {"250us", 250'000, "250us"},
      {"1.5s", 1'500'000'000, "1500ms"},
      {"120s", 120'000'000'000, "2min"},
      {"1h", 3'600'000'000'000, "1h"},
      {"-1ms", -1'000'000, "-1ms"},
      {"7ns", 7, "7ns"},
  }));
  CHECK(*parse_duration(text) == nanoseconds);
  CHECK(print_duration(nanoseconds) == printed);
  CHECK(*parse_duration(printed) == nanoseconds);
}

TEST_CASE("settings: what is no duration") {
  const std::string text = GENERATE("", "ms", "5", "5 ms", "5sec", "1e30h", "nans");
  CHECK(parse_duration(text).status().code() == Code::invalid_argument);
}

}  // namespace
}  // namespace helix
