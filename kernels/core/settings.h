#pragma once

#include "kernels/core/status.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace helix {

// A struct of settings names each of them once, in `fields`; a struct of such structs names those in `groups`:
//
//   struct DoubletConfig {
//     float max_z0 = 160.f;
//     bool cluster_sizes = true;
//     std::chrono::microseconds patience{5000};
//
//     template <class Field>
//     void fields(Field&& field) {
//       field("max_z0", max_z0, in(1.f, 10000.f), "mm", "largest distance from the beam spot along z");
//       field("cluster_sizes", cluster_sizes, "", "use cluster sizes against the direction");
//       field("patience", patience, in(0us, 1s), "how long to wait");  // the unit may be left out
//     }
//   };
//
// TOML keys, flags, printed defaults, documentation and range checks are derived from that. Members may be bool,
// std::string, integers, float, double, std::chrono durations (in TOML a string with its unit: "5ms") and enums whose
// names a function `const char* const* setting_names(Enum)` lists, ended by nullptr, in the order of their values from
// 0.

/// Allowed range of a setting, both ends included.
template <class T>
struct Bounds {
  T low, high;
};

template <class T, class U>
constexpr Bounds<std::common_type_t<T, U>> in(T low, U high) {
  return {low, high};
}

/// One setting as people see it. `value` is its TOML text.
struct Setting {
  std::string name, value, unit, help, range;
};

/// Durations are whole nanoseconds.
using SettingValue = std::variant<bool, std::int64_t, double, std::string>;

enum class SettingKind { boolean, integer, number, duration, text, choice };

/// A member of a settings struct without its type. Refers to the struct: don't outlive it.
struct Field {
  SettingKind kind = SettingKind::boolean;
  std::string name = {}, unit = {}, help = {};
  SettingValue low = {}, high = {};       // integer, number, duration: the range
  std::vector<std::string> choices = {};  // choice
  bool single = false;                    // number: a float, which fewer digits suffice for
  std::function<SettingValue()> get = {};
  std::function<void(const SettingValue&)> set = {};  // a value of the same alternative as get's, within range
};

struct FieldGroup {
  std::string name;
  std::vector<Field> fields;
};

/// The setting as text for people and TOML.
Setting describe(const Field& field);

/// Sets a field from text as in a flag: like TOML, but strings, durations and choices may stand without quotes.
/// errors: invalid_argument with name, value and what is allowed
Status set_from_text(Field& field, const std::string& text);

/// Sets a field after checking type and range. errors: invalid_argument: what is wrong, without the name
Status set_checked(Field& field, const SettingValue& value);

/// TOML text, each field with its help, unit and range as a comment before it.
std::string print_toml(const std::vector<Field>& fields);
/// The same for groups: a table each, called `prefix` + name.
std::string print_toml(const std::vector<FieldGroup>& groups, const std::string& prefix = "");

/// "250us", "5ms", "1.5s", "2min", "1h" or "0" in nanoseconds. errors: invalid_argument
Result<std::int64_t> parse_duration(const std::string& text);
std::string print_duration(std::int64_t nanoseconds);

namespace detail {

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

template <class T>
std::int64_t nanoseconds(T duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

/// What `fields` calls for each member.
class FieldCollector {
 public:
  explicit FieldCollector(std::vector<Field>& out) : out_(out) {}

  template <class T, class B>
  void operator()(const char* name, T& member, Bounds<B> bounds, const char* unit, const char* help) {
    Field field{.name = name, .unit = unit, .help = help};
    if constexpr (is_duration<T>) {
      field.kind = SettingKind::duration;
      field.low = nanoseconds(bounds.low);
      field.high = nanoseconds(bounds.high);
      field.get = [&member] { return SettingValue(nanoseconds(member)); };
      field.set = [&member](const SettingValue& value) {
        member = std::chrono::duration_cast<T>(std::chrono::nanoseconds(std::get<std::int64_t>(value)));
      };
    } else {
      static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>, "a range is for numbers and durations");
      using Wide = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;
      field.kind = std::is_integral_v<T> ? SettingKind::integer : SettingKind::number;
      field.single = std::is_same_v<T, float>;
      field.low = static_cast<Wide>(static_cast<T>(bounds.low));
      field.high = static_cast<Wide>(static_cast<T>(bounds.high));
      field.get = [&member] { return SettingValue(static_cast<Wide>(member)); };
      field.set = [&member](const SettingValue& value) { member = static_cast<T>(std::get<Wide>(value)); };
    }
    out_.push_back(std::move(field));
  }

  template <class T, class B>
  void operator()(const char* name, T& member, Bounds<B> bounds, const char* help) {
    (*this)(name, member, bounds, "", help);
  }

  void operator()(const char* name, bool& member, const char* unit, const char* help) {
    add_plain(SettingKind::boolean, name, member, unit, help);
  }
  void operator()(const char* name, std::string& member, const char* unit, const char* help) {
    add_plain(SettingKind::text, name, member, unit, help);
  }
  template <class T>
  requires std::is_enum_v<T>
  void operator()(const char* name, T& member, const char* unit, const char* help) {
    Field field{.kind = SettingKind::choice, .name = name, .unit = unit, .help = help};
    for (const char* const* choice = setting_names(T{}); *choice; ++choice) field.choices.emplace_back(*choice);
    field.get = [&member, names = field.choices] { return SettingValue(names.at(static_cast<std::size_t>(member))); };
    field.set = [&member, names = field.choices](const SettingValue& value) {
      for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == std::get<std::string>(value)) member = static_cast<T>(i);
    };
    out_.push_back(std::move(field));
  }
  template <class T>
  void operator()(const char* name, T& member, const char* help) {
    (*this)(name, member, "", help);
  }

 private:
  template <class T>
  void add_plain(SettingKind kind, const char* name, T& member, const char* unit, const char* help) {
    Field field{.kind = kind, .name = name, .unit = unit, .help = help};
    field.get = [&member] { return SettingValue(member); };
    field.set = [&member](const SettingValue& value) { member = std::get<T>(value); };
    out_.push_back(std::move(field));
  }

  std::vector<Field>& out_;
};

}  // namespace detail

/// The fields of a settings struct, in its order.
template <class Settings>
std::vector<Field> fields_of(Settings& settings) {
  std::vector<Field> fields;
  settings.fields(detail::FieldCollector(fields));
  return fields;
}

/// The groups of a struct of settings structs, in its order.
template <class Config>
std::vector<FieldGroup> groups_of(Config& config) {
  std::vector<FieldGroup> groups;
  config.groups([&](const char* name, auto& settings) { groups.push_back({name, fields_of(settings)}); });
  return groups;
}

}  // namespace helix
