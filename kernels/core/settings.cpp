#include "kernels/core/settings.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace helix {
namespace {

constexpr std::pair<const char*, std::int64_t> kUnits[] = {{"h", 3600'000'000'000}, {"min", 60'000'000'000},
                                                           {"s", 1'000'000'000},    {"ms", 1'000'000},
                                                           {"us", 1'000},           {"ns", 1}};

std::string digits(double value, bool single) {
  std::array<char, 32> text;
  const auto end = single ? std::to_chars(text.begin(), text.end(), static_cast<float>(value)).ptr
                          : std::to_chars(text.begin(), text.end(), value).ptr;
  std::string out(text.begin(), end);
  // TOML's floats have a point or an exponent, so that they cannot be taken for integers.
  return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') {
      out += c;
    } else {
      static constexpr char kHex[] = "0123456789abcdef";
      out += std::string("\\u00") + kHex[(c >> 4) & 15] + kHex[c & 15];
    }
  }
  return out + '"';
}

std::string print_value(const Field& field, const SettingValue& value) {
  switch (field.kind) {
    case SettingKind::boolean:
      return std::get<bool>(value) ? "true" : "false";
    case SettingKind::integer:
      return std::to_string(std::get<std::int64_t>(value));
    case SettingKind::number:
      return digits(std::get<double>(value), field.single);
    case SettingKind::duration:
      return quoted(print_duration(std::get<std::int64_t>(value)));
    case SettingKind::text:
    case SettingKind::choice:
      break;
  }
  return quoted(std::get<std::string>(value));
}

std::string print_range(const Field& field) {
  if (field.kind == SettingKind::boolean) return "true or false";
  if (field.kind == SettingKind::choice) {
    std::string text;
    for (const std::string& choice : field.choices) text += (text.empty() ? "" : ", ") + quoted(choice);
    return text;
  }
  if (field.kind == SettingKind::text) return "";
  return print_value(field, field.low) + " .. " + print_value(field, field.high);
}

const char* kind_name(SettingKind kind) {
  switch (kind) {
    case SettingKind::boolean:
      return "true or false";
    case SettingKind::integer:
      return "a whole number";
    case SettingKind::number:
      return "a number";
    case SettingKind::duration:
      return "a duration with its unit, as \"5ms\"";
    default:
      return "a string";
  }
}

template <class T>
Result<SettingValue> parse_number(const Field& field, const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return invalid_argument(quoted(text) + " is not " + kind_name(field.kind));
  return SettingValue(value);
}

Result<SettingValue> parse_value(const Field& field, const std::string& text) {
  switch (field.kind) {
    case SettingKind::boolean:
      if (text != "true" && text != "false") return invalid_argument(quoted(text) + " is not true or false");
      return SettingValue(text == "true");
    case SettingKind::integer:
      return parse_number<std::int64_t>(field, text);
    case SettingKind::number:
      return parse_number<double>(field, text);
    default:
      return SettingValue(text);
  }
}

template <class T>
bool within(const Field& field, T value) {
  return value >= std::get<T>(field.low) && value <= std::get<T>(field.high);
}

Status out_of_range(const Field& field, const SettingValue& value) {
  return invalid_argument(print_value(field, value) + " is not within " + print_range(field) +
                          (field.unit.empty() ? "" : " " + field.unit));
}

}  // namespace

Result<std::int64_t> parse_duration(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(error == std::errc() ? end : text.data(), text.data() + text.size());
  if (error == std::errc() && number == 0 && unit.empty()) return std::int64_t{0};
  for (const auto& [name, nanoseconds] : kUnits) {
    if (error != std::errc() || unit != name) continue;
    const double total = number * static_cast<double>(nanoseconds);
    if (std::isfinite(total) && std::abs(total) < 9e18) return static_cast<std::int64_t>(std::llround(total));
  }
  return invalid_argument(quoted(text) + " is not a duration with its unit: ns, us, ms, s, min or h, as \"5ms\"");
}

std::string print_duration(std::int64_t nanoseconds) {
  for (const auto& [name, unit] : kUnits)
    if (nanoseconds != 0 && nanoseconds % unit == 0) return std::to_string(nanoseconds / unit) + name;
  return "0s";
}

Setting describe(const Field& field) {
  return {field.name, print_value(field, field.get()), field.unit, field.help, print_range(field)};
}

Status set_checked(Field& field, const SettingValue& given) {
  SettingValue value = given;
  if (field.kind == SettingKind::number && std::holds_alternative<std::int64_t>(value))
    value = static_cast<double>(std::get<std::int64_t>(value));
  if (field.kind == SettingKind::duration && std::holds_alternative<std::string>(value)) {
    const Result<std::int64_t> duration = parse_duration(std::get<std::string>(value));
    if (!duration.ok()) return duration.status();
    value = *duration;
  } else if (field.kind == SettingKind::duration) {
    return invalid_argument(std::string("is not ") + kind_name(field.kind));
  }
  if (value.index() != field.get().index()) return invalid_argument(std::string("is not ") + kind_name(field.kind));
  switch (field.kind) {
    case SettingKind::integer:
    case SettingKind::duration:
      if (!within(field, std::get<std::int64_t>(value))) return out_of_range(field, value);
      break;
    case SettingKind::number:
      if (field.single) value = static_cast<double>(static_cast<float>(std::get<double>(value)));
      if (!within(field, std::get<double>(value))) return out_of_range(field, value);
      break;
    case SettingKind::choice:
      if (std::find(field.choices.begin(), field.choices.end(), std::get<std::string>(value)) == field.choices.end())
        return invalid_argument(print_value(field, value) + " is none of " + print_range(field));
      break;
    default:
      break;
  }
  field.set(value);
  return {};
}

Status set_from_text(Field& field, const std::string& text) {
  const Result<SettingValue> value = parse_value(field, text);
  const Status status = value.ok() ? set_checked(field, *value) : value.status();
  return status.ok() ? status : Status(status.code(), field.name + ": " + status.message());
}

std::string print_toml(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& field : fields) {
    const Setting setting = describe(field);
    std::string limits = setting.unit;
    if (field.kind != SettingKind::boolean && !setting.range.empty())
      limits += (limits.empty() ? "" : ", ") + setting.range;
    text += "# " + setting.help + (limits.empty() ? "" : " (" + limits + ")") + "\n";
    text += setting.name + " = " + setting.value + "\n";
  }
  return text;
}

std::string print_toml(const std::vector<FieldGroup>& groups, const std::string& prefix) {
  std::string text;
  for (const FieldGroup& group : groups)
    text += (text.empty() ? "[" : "\n[") + prefix + group.name + "]\n" + print_toml(group.fields);
  return text;
}

}  // namespace helix
