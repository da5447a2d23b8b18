#pragma once

#include "server/config/options.h"

#include <string>
#include <vector>

namespace helix::server {

/// Sets back in `next` what cannot change while the daemon runs, and names what was different there: "server.listen".
std::vector<std::string> keep_fixed(const Options& running, Options& next);

}  // namespace helix::server
