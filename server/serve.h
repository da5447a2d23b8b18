#pragma once

#include "kernels/core/status.h"
#include "server/config/options.h"
#include "server/signals.h"

#include <functional>

namespace helix::server {

/// Exit codes of helixd.
inline constexpr int kDrained = 0, kNotStarted = 1, kBadUsage = 2, kNotDrained = 4;

/// Serves until SIGTERM or SIGINT, then drains; a second signal ends at once. SIGHUP reloads: `read_options` gives the
/// settings as they are by then. Returns the exit code.
int serve(const Options& options, const std::function<Result<Options>()>& read_options, Signals& signals);

}  // namespace helix::server
