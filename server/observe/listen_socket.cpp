#include "server/observe/listen_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace helix::server {
namespace {

struct Address {
  std::string host, port;
};

std::optional<Address> address_of(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return std::nullopt;
  int port = -1;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  if (host.empty() || host.find_first_of(", ") != std::string_view::npos || !whole || port < 0 || port > 65535)
    return std::nullopt;
  return Address{std::string(host), std::to_string(port)};
}

/// 0, or errno.
int listen_at(int handle, const addrinfo& address) {
  const int yes = 1, no = 0;
  if (setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) return errno;
  if (address.ai_family == AF_INET6 && setsockopt(handle, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0) return errno;
  const bool listens = bind(handle, address.ai_addr, address.ai_addrlen) == 0 && listen(handle, SOMAXCONN) == 0;
  return listens ? 0 : errno;
}

int port_of(int handle) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (getsockname(handle, reinterpret_cast<sockaddr*>(&name), &length) != 0) return 0;
  return ntohs(name.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(name).sin6_port
                                          : reinterpret_cast<const sockaddr_in&>(name).sin_port);
}

std::string message_of(int error) { return std::generic_category().message(error); }

}  // namespace

Result<ListenSocket> ListenSocket::open(const std::string& text) {
  const std::optional<Address> address = address_of(text);
  if (!address) return invalid_argument("http.listen: \"" + text + "\" is not HOST:PORT or [IPV6]:PORT");
  const std::string cannot = "http.listen: cannot listen on " + text + ": ";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(address->host.c_str(), address->port.c_str(), &hints, &found); failed != 0)
    return invalid_argument(cannot + (failed == EAI_SYSTEM ? message_of(errno) : gai_strerror(failed)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    ListenSocket socket(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    error = socket.handle_ < 0 ? errno : listen_at(socket.handle_, *one);
    socket.port_ = port_of(socket.handle_);
    if (error == 0) return socket;
    // The name's other address is no way around whoever has this one.
    if (error == EADDRINUSE) return unavailable(cannot + message_of(error));
  }
  return invalid_argument(cannot + message_of(error));
}

ListenSocket::~ListenSocket() {
  if (handle_ >= 0) close(handle_);
}

int ListenSocket::release() { return std::exchange(handle_, -1); }

}  // namespace helix::server
