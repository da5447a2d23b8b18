#include "server/observe/traceparent.h"

#include <algorithm>

namespace helix::server {
namespace {

constexpr std::size_t kVersion = 0, kTrace = 3, kParent = 36, kFlags = 53, kEnd = 55;
constexpr std::size_t kLongest = 128;  // of later versions: what goes into a log line

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text) { return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos; }

}  // namespace

bool is_traceparent(std::string_view text) {
  if (text.size() < kEnd || text.size() > kLongest) return false;
  if (text[kTrace - 1] != '-' || text[kParent - 1] != '-' || text[kFlags - 1] != '-') return false;
  const std::string_view version = text.substr(kVersion, 2);
  const bool ends = text.size() == kEnd || (version != "00" && text[kEnd] == '-');
  return ends && is_hex(version) && version != "ff" && is_id(text.substr(kTrace, 32)) &&
         is_id(text.substr(kParent, 16)) && is_hex(text.substr(kFlags, 2));
}

}  // namespace helix::server
