#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace helix::server {

/// Lets a few of each kind through in each second. Thread-safe. Kinds are few: names of events, not what clients send.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit RateLimit(int a_second) : a_second_(a_second) {}

  /// How many of this kind were held back since the last that was let through; nothing: hold this one back too.
  std::optional<std::uint64_t> pass(std::string_view kind, Time now);

 private:
  struct Kind {
    Time second{};
    int passed = 0;
    std::uint64_t held = 0;
  };

  const int a_second_;
  std::mutex mutex_;  // guards kinds_
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace helix::server
