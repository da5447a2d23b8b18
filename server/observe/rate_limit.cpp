#include "server/observe/rate_limit.h"

#include <utility>

namespace helix::server {

std::optional<std::uint64_t> RateLimit::pass(std::string_view name, Time now) {
  const std::scoped_lock lock(mutex_);
  auto found = kinds_.find(name);
  if (found == kinds_.end()) found = kinds_.emplace(name, Kind{now, 0, 0}).first;
  Kind& kind = found->second;
  if (now - kind.second >= std::chrono::seconds(1)) {
    kind.second = now;
    kind.passed = 0;
  }
  if (kind.passed >= a_second_) {
    ++kind.held;
    return std::nullopt;
  }
  ++kind.passed;
  return std::exchange(kind.held, 0);
}

}  // namespace helix::server
