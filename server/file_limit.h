#pragma once

namespace helix::server {

/// Raises the limit of open files as far as this process may. gRPC 1.51 stops to accept for good, on all its ports,
/// when it once meets that limit.
void raise_file_limit();

}  // namespace helix::server
