#pragma once

#include "server/batching/waiting_room.h"

namespace helix::server {

/// When virtual time begins.
inline constexpr Clock::time_point kStart{};

/// A waiter that is nothing but its facts.
struct Someone : Waiter {
  using Waiter::Waiter;
};

}  // namespace helix::server
