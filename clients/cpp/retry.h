#pragma once

#include "kernels/core/status.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

namespace helix {

/// How long a call is tried again; its deadline bounds it too.
struct RetryOptions {
  std::chrono::milliseconds first_wait{50};  // where the server gives no hint; doubled each time
  std::chrono::milliseconds max_wait{2000};  // of the doubling; a server's hint may be longer
  std::chrono::milliseconds budget{30000};   // all waits of a call together; 0: never again
};

/// The hint of the trailing metadata grpc-retry-pushback-ms; unreadable or negative means "never", as gRPC has it.
std::optional<std::chrono::milliseconds> parse_pushback(const std::string& text);

/// Decides after each failed attempt whether and when another makes sense. Knows no clock.
///
/// unavailable is tried again, resource_exhausted only where the server says when (without a hint the request itself
/// is over a limit). The hint is the trailing metadata grpc-retry-pushback-ms: at least so long, negative: never.
class RetryPolicy {
 public:
  using Wait = std::chrono::milliseconds;

  RetryPolicy(const RetryOptions& options, std::uint32_t seed) : options_(options), random_(seed) {}

  /// The wait before the next attempt, or nothing: give up. `left` is what remains until the call's deadline.
  std::optional<Wait> next_wait(Code code, const std::optional<std::string>& pushback, Wait left);

 private:
  std::optional<Wait> least_wait(Code code, const std::optional<std::string>& pushback);

  RetryOptions options_;
  std::mt19937 random_;
  Wait waited_{0};
  int failures_ = 0;
};

}  // namespace helix
