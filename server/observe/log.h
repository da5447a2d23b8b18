#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

/// The log: an event and key=value, as text or JSON, to standard error. The one global of the server. Thread-safe.
namespace helix::server::log {

enum class Level { debug, info, warn, error };
enum class Format { text, json };

const char* const* setting_names(Level);
const char* const* setting_names(Format);

void configure(Level level, Format format);
void set_level(Level level);
Level level();

/// A value as it is written; numbers and truths stay so in JSON.
class Field {
 public:
  Field(const char* key, std::string_view value) : key_(key), value_(value), quoted_(true) {}
  Field(const char* key, const char* value) : Field(key, std::string_view(value)) {}
  Field(const char* key, const std::string& value) : Field(key, std::string_view(value)) {}
  Field(const char* key, bool value) : key_(key), value_(value ? "true" : "false"), quoted_(false) {}
  template <class T>
  requires std::is_arithmetic_v<T> Field(const char* key, T value)
      : key_(key), value_(std::to_string(value)), quoted_(false) {}

  const char* key() const { return key_; }
  const std::string& value() const { return value_; }
  bool quoted() const { return quoted_; }

 private:
  const char* key_;
  std::string value_;
  bool quoted_;
};
using Fields = std::initializer_list<Field>;

/// Whether lines of this level are written: saves making the fields of those that are not.
bool enabled(Level level);

void write(Level level, std::string_view event, Fields fields);

/// For what a client can cause: a few lines a second of each event, then silence, and how many were left out.
void write_limited(Level level, std::string_view event, Fields fields);

inline void debug(std::string_view event, Fields fields) { write(Level::debug, event, fields); }
inline void info(std::string_view event, Fields fields) { write(Level::info, event, fields); }
inline void warn(std::string_view event, Fields fields) { write(Level::warn, event, fields); }
inline void error(std::string_view event, Fields fields) { write(Level::error, event, fields); }

/// One line without time and level, as `write` makes it. Text quotes what holds spaces, quotes or control characters.
std::string text_line(std::string_view event, Fields fields);
std::string json_line(std::string_view time, Level level, std::string_view event, Fields fields);

void flush();

}  // namespace helix::server::log
