#pragma once

#include "kernels/core/status.h"

#include <string>

namespace helix::server {

/// A TCP socket that listens. Closed with this object, unless it was given away.
class ListenSocket {
 public:
  /// `address`: HOST:PORT or [IPV6]:PORT; port 0: any free one; [::] is for IPv4 too, as it is for gRPC
  /// errors: unavailable (the address is in use), invalid_argument (all else, so that a typo is no reason to wait)
  static Result<ListenSocket> open(const std::string& address);

  ListenSocket(ListenSocket&& other) noexcept : handle_(other.release()), port_(other.port_) {}
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  int port() const { return port_; }
  /// The socket is the caller's from here on.
  int release();

 private:
  explicit ListenSocket(int handle) : handle_(handle) {}

  int handle_;
  int port_ = 0;
};

}  // namespace helix::server
