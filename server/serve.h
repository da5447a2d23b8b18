#pragma once

#include "kernels/core/status.h"
#include "server/config/options.h"
#include "server/signals.h"

#include <functional>

namespace helix::server {

/// Exit codes of helixd.
inline constexpr int kDrained = 0, kNotStarted = 1, kBadUsage = 2, kNotDrained = 4;

/// Serves until SIGTERM, SIGINT or the admin service asks for the end, then drains; a second signal ends at once. One
/// that comes while it starts ends the start: kDrained. SIGHUP reloads: `read_options` gives the settings as they are
/// by then. Returns the exit code; whatever hangs, the process ends soon after the drain.
int serve(const Options& options, const std::function<Result<Options>()>& read_options, Signals& signals);

}  // namespace helix::server
