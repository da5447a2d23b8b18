#pragma once

namespace helix::server {

/// What gRPC's core has to say goes to our log, rate-limited: clients can cause it.
void route_grpc_log();

}  // namespace helix::server
