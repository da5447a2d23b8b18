#include "server/observe/http.h"

#include "server/observe/log.h"

#include <httplib.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <exception>
#include <optional>
#include <string_view>
#include <system_error>

namespace helix::server {
namespace {

constexpr std::size_t kThreads = 2;
constexpr std::chrono::seconds kTimeout{2};  // of each wait for a client, so also of the end of this server
constexpr std::chrono::seconds kStart{5};

struct Address {
  std::string host;
  int port = 0;
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
  return Address{std::string(host), port};
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

HttpAnswer answer_to(const httplib::Request& request, const HttpPages& pages) {
  const auto page = pages.find(request.path);
  if (page == pages.end() || (page->second.local_only && !is_loopback(request.remote_addr)))
    return {.code = 404, .body = "not found\n"};
  if (request.method != "GET" && request.method != "HEAD") return {.code = 405, .body = "GET and HEAD only\n"};
  try {
    return page->second.answer();
  } catch (const std::exception& error) {
    log::write_limited(log::Level::error, "http.failed", {{"path", page->first}, {"error", error.what()}});
    return {.code = 500, .body = "internal error\n"};
  }
}

void answer(const httplib::Request& request, const HttpPages& pages, httplib::Response& response) {
  HttpAnswer answer = answer_to(request, pages);
  response.status = answer.code;
  response.set_header("Cache-Control", "no-store");
  if (answer.code == 405) response.set_header("Allow", "GET, HEAD");
  response.set_content(std::move(answer.body), answer.type);
}

/// The library's default lets two servers share a port.
void take_alone(int socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

}  // namespace

HttpServer::HttpServer(HttpPages pages) : pages_(std::move(pages)), server_(std::make_unique<httplib::Server>()) {
  server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server_->set_socket_options(take_alone);
  server_->set_keep_alive_max_count(1);
  server_->set_keep_alive_timeout(kTimeout.count());
  server_->set_read_timeout(kTimeout);
  server_->set_write_timeout(kTimeout);
  server_->set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    answer(request, pages_, response);
    return httplib::Server::HandlerResponse::Handled;
  });
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& text, HttpPages pages) {
  const std::optional<Address> address = address_of(text);
  if (!address) return invalid_argument("http.listen: \"" + text + "\" is not HOST:PORT or [IPV6]:PORT");
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(pages)));
  httplib::Server& listener = *server->server_;
  errno = 0;
  if (address->port == 0)
    server->port_ = listener.bind_to_any_port(address->host);
  else
    server->port_ = listener.bind_to_port(address->host, address->port) ? address->port : -1;
  if (server->port_ < 0) {
    const std::string why = errno != 0 ? std::generic_category().message(errno) : "no such host";
    return unavailable("http.listen: cannot listen on " + text + ": " + why);
  }
  server->thread_ = std::thread([&listener] { listener.listen_after_bind(); });
  const auto end = std::chrono::steady_clock::now() + kStart;  // until it runs it would not hear of its end
  while (!listener.is_running() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  return server;
}

HttpServer::~HttpServer() {
  server_->stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace helix::server
