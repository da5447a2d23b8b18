#pragma once

#include "kernels/core/status.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

namespace httplib {
class Server;
}

namespace helix::server {

struct HttpAnswer {
  int code = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// One page, by its path. Called on a thread of the HTTP server's.
struct HttpPage {
  std::function<HttpAnswer()> answer;
  bool local_only = false;  // to others than this machine it is not there
};
using HttpPages = std::map<std::string, HttpPage, std::less<>>;

/// A few pages for machines that look after the daemon: GET and HEAD, and 404 for all other paths. Serves no files. Two
/// threads and time-outs: whoever is slow keeps up others of this port only. Ends with this object.
class HttpServer {
 public:
  /// `address`: HOST:PORT or [IPV6]:PORT; port 0: any free one
  /// errors: invalid_argument (address), unavailable (cannot listen there)
  static Result<std::unique_ptr<HttpServer>> start(const std::string& address, HttpPages pages);
  ~HttpServer();

  int port() const { return port_; }

 private:
  explicit HttpServer(HttpPages pages);

  const HttpPages pages_;
  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  std::thread thread_;  // takes connections
};

}  // namespace helix::server
