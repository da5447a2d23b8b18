#include "clients/cpp/retry.h"

#include <algorithm>
#include <charconv>

namespace helix {

std::optional<std::chrono::milliseconds> parse_pushback(const std::string& text) {
  std::int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return std::chrono::milliseconds{value};
}

std::optional<RetryPolicy::Wait> RetryPolicy::least_wait(Code code, const std::optional<std::string>& pushback) {
  if (code != Code::unavailable && code != Code::resource_exhausted) return std::nullopt;
  if (pushback) return parse_pushback(*pushback);
  if (code == Code::resource_exhausted) return std::nullopt;
  return std::min(options_.max_wait, options_.first_wait * (1 << std::min(failures_, 16)));
}

std::optional<RetryPolicy::Wait> RetryPolicy::next_wait(Code code, const std::optional<std::string>& pushback,
                                                        Wait left) {
  const auto least = least_wait(code, pushback);
  ++failures_;
  if (!least) return std::nullopt;
  // A quarter more at random, so that clients turned away together do not come back together; never below 10 ms, so
  // that the budget bounds the number of attempts too.
  const double spread = std::uniform_real_distribution<double>(1.0, 1.25)(random_);
  const Wait base = std::max(Wait{10}, *least);
  if (base > left || base > options_.budget) return std::nullopt;
  const Wait wait{static_cast<Wait::rep>(static_cast<double>(base.count()) * spread)};
  if (wait > left || waited_ + wait > options_.budget) return std::nullopt;
  waited_ += wait;
  return wait;
}

}  // namespace helix
