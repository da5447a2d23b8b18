#include "clients/cpp/json_writer.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace helix {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

template <class T>
std::string digits(T number) {
  char buffer[40];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr};
}

}  // namespace

/// What stands between the last item and this one.
void JsonWriter::next() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ == 0) return;
  if (!first_) text_ += ',';
  text_ += '\n';
  text_.append(2 * depth_, ' ');
  first_ = false;
}

JsonWriter& JsonWriter::raw(std::string_view text) {
  next();
  text_ += text;
  return *this;
}

JsonWriter& JsonWriter::open(char bracket) {
  raw({&bracket, 1});
  ++depth_;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  --depth_;
  if (!first_) {
    text_ += '\n';
    text_.append(2 * depth_, ' ');
  }
  text_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  raw(quoted(name) + ": ");
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) { return raw(quoted(text)); }
JsonWriter& JsonWriter::value(double number) { return std::isfinite(number) ? raw(digits(number)) : null(); }
JsonWriter& JsonWriter::value(std::int64_t number) { return raw(digits(number)); }
JsonWriter& JsonWriter::value(std::uint64_t number) { return raw(digits(number)); }
JsonWriter& JsonWriter::value(bool yes) { return raw(yes ? "true" : "false"); }
JsonWriter& JsonWriter::null() { return raw("null"); }

}  // namespace helix
