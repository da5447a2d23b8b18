#pragma once

#include <string>

namespace helix::server {

/// Whether a process answers at this path, with whatever kind of socket. No: there is nothing, a file, or a socket that
/// was left over.
bool someone_listens(const std::string& path);

}  // namespace helix::server
