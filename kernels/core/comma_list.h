#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace helix {

/// Without the blanks at its ends.
inline std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

/// "a, b,": "a", "b" and "", views of the text. At least one.
inline std::vector<std::string_view> comma_list(std::string_view text) {
  std::vector<std::string_view> entries;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    entries.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return entries;
}

}  // namespace helix
