#pragma once

#include "kernels/core/status.h"
#include "server/batching/request_facts.h"

#include <grpcpp/server_context.h>

#include <optional>
#include <string>

namespace helix::server {

/// Who sent a call, and how urgent it is. The client is called by the name in its certificate, else the metadata
/// helix-client, else its address without port. The priority is the metadata helix-priority, else normal.
/// errors: invalid_argument (helix-client too long, no such priority)
Result<RequestFacts> client_facts(const grpc::ServerContextBase& context);

/// What a call's metadata have under this key, the first of several.
std::optional<std::string> metadata(const grpc::ServerContextBase& context, const char* key);

/// "ipv4:10.0.0.1:4711" without the port.
std::string without_port(const std::string& peer);

}  // namespace helix::server
