#pragma once

#include "kernels/core/status.h"
#include "server/observe/connection_deadlines.h"
#include "server/observe/listen_socket.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

struct MHD_Daemon;
struct sockaddr;

namespace helix::server {

struct HttpAnswer {
  int code = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// One page, by its path. Called on the HTTP server's thread; others wait meanwhile.
struct HttpPage {
  std::function<HttpAnswer()> answer;
  bool local_only = false;  // to others than this machine it is not there
};
using HttpPages = std::map<std::string, HttpPage, std::less<>>;

/// Whether an address is of this machine's loopback: 127.0.0.0/8, ::1, or the former as IPv6.
bool is_loopback(const sockaddr& address);

/// A few pages for machines that look after the daemon: GET and HEAD, and 404 for all other paths. Serves no files.
/// What clients can take is bounded: connections in all and of one address, their memory, their time. Ends with this
/// object.
class HttpServer {
 public:
  /// `address`: HOST:PORT or [IPV6]:PORT; port 0: any free one
  /// errors: unavailable (the address is in use), invalid_argument (cannot listen there otherwise), internal
  static Result<std::unique_ptr<HttpServer>> start(const std::string& address, HttpPages pages);
  ~HttpServer();

  int port() const { return port_; }

 private:
  struct Callbacks;
  struct Stop {
    void operator()(MHD_Daemon* daemon) const;
  };

  HttpServer(int port, HttpPages pages);

  const int port_;
  const HttpPages pages_;
  ConnectionDeadlines deadlines_;
  std::unique_ptr<MHD_Daemon, Stop> daemon_;  // last: its thread uses all else
};

}  // namespace helix::server
