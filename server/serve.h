#pragma once

#include "server/config/options.h"
#include "server/signals.h"

namespace helix::server {

/// Exit codes of helixd.
inline constexpr int kDrained = 0, kNotStarted = 1, kBadUsage = 2, kNotDrained = 4;

/// Serves until SIGTERM or SIGINT, then drains; a second signal ends at once. Returns the exit code.
int serve(const Options& options, Signals& signals);

}  // namespace helix::server
