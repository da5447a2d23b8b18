#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace helix::server {

inline bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Appends the value in quotes, escaped as JSON wants it.
inline void append_quoted(std::string& text, std::string_view value) {
  text += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    if (is_control(c)) {
      std::array<char, 8> code;
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned char>(c));
      text += code.data();
    } else {
      text += c;
    }
  }
  text += '"';
}

}  // namespace helix::server
