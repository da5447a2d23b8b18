#pragma once

#include "kernels/core/status.h"
#include "server/batching/waiting_room.h"

#include <string>

namespace helix::server {

/// "alice:2, bob:0.5" as names and weights; empty: none.
/// errors: invalid_argument, which names the entry
Result<ClientWeights> parse_client_weights(const std::string& text);

}  // namespace helix::server
