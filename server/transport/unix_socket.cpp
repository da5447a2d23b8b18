#include "server/transport/unix_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

namespace helix::server {

bool someone_listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;  // so nobody can
  path.copy(address.sun_path, path.size());
  const int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (handle < 0) return false;
  const bool taken = connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const bool busy = !taken && (errno == EAGAIN || errno == EPROTOTYPE);  // many wait already; datagrams
  close(handle);
  return taken || busy;
}

}  // namespace helix::server
