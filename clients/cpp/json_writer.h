#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace helix {

/// Writes JSON, two blanks a level. Numbers are as short as reads back the same; what JSON has no word for is null.
///
///   JsonWriter json;
///   json.open('{').key("events").value(3).key("rates").open('[').value(0.5).close(']').close('}');
class JsonWriter {
 public:
  JsonWriter& open(char bracket);  // '{' or '['
  JsonWriter& close(char bracket);
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(double number);
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(bool yes);
  JsonWriter& null();
  template <class T>
  JsonWriter& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }
  template <class T>
  JsonWriter& value(const std::vector<T>& list) {
    open('[');
    for (const T& item : list) value(item);
    return close(']');
  }

  /// All that was written, with a line end.
  std::string text() const { return text_ + "\n"; }

 private:
  void next();
  JsonWriter& raw(std::string_view text);

  std::string text_;
  std::size_t depth_ = 0;
  bool first_ = true, after_key_ = false;
};

}  // namespace helix
