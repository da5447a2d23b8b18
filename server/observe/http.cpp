#include "server/observe/http.h"

#include "server/observe/log.h"

#include <civetweb.h>

#include <array>
#include <charconv>
#include <exception>
#include <string_view>

namespace helix::server {
namespace {

constexpr const char* kThreads = "2";
constexpr const char* kRequestTimeout = "5000";  // ms

/// The library would take "8002s" for TLS, and a port alone for all addresses.
bool is_address(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || address.find_first_of(", ") != std::string_view::npos)
    return false;
  const std::string_view digits = address.substr(colon + 1);
  int port = -1;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() && port >= 0 && port <= 65535;
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

HttpAnswer answer_to(const mg_request_info& request, const HttpPages& pages) {
  const std::string_view method = request.request_method;
  const auto page = pages.find(std::string_view(request.local_uri != nullptr ? request.local_uri : ""));
  if (page == pages.end() || (page->second.local_only && !is_loopback(request.remote_addr)))
    return {.code = 404, .body = "not found\n"};
  if (method != "GET" && method != "HEAD") return {.code = 405, .body = "GET and HEAD only\n"};
  try {
    return page->second.answer();
  } catch (const std::exception& error) {
    log::write_limited(log::Level::error, "http.failed", {{"path", page->first}, {"error", error.what()}});
    return {.code = 500, .body = "internal error\n"};
  }
}

int on_request(mg_connection* connection) {
  const mg_request_info& request = *mg_get_request_info(connection);
  const HttpAnswer answer = answer_to(request, *static_cast<const HttpPages*>(request.user_data));
  const bool head = std::string_view(request.request_method) == "HEAD";
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n%sConnection: "
            "close\r\n\r\n",
            answer.code, mg_get_response_code_text(connection, answer.code), answer.type.c_str(), answer.body.size(),
            answer.code == 405 ? "Allow: GET, HEAD\r\n" : "");
  if (!head) mg_write(connection, answer.body.data(), answer.body.size());
  mg_disable_keep_alive(connection);
  return answer.code;
}

int on_message(const mg_connection*, const char* text) {
  log::write_limited(log::Level::debug, "http.message", {{"text", text}});
  return 1;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& address, HttpPages pages) {
  if (!is_address(address)) return invalid_argument("http.listen: \"" + address + "\" is not HOST:PORT or [IPV6]:PORT");
  mg_init_library(MG_FEATURES_DEFAULT);  // counted: each start has its end
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(pages)));
  const char* options[] = {"listening_ports",
                           address.c_str(),
                           "num_threads",
                           kThreads,
                           "request_timeout_ms",
                           kRequestTimeout,
                           "enable_directory_listing",
                           "no",
                           nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = on_request;
  callbacks.log_message = on_message;
  callbacks.log_access = on_message;
  mg_init_data init{&callbacks, const_cast<HttpPages*>(&server->pages_), options};
  std::array<char, 256> text{};
  unsigned code = 0;
  mg_error_data error{&code, text.data(), text.size()};
  server->context_ = mg_start2(&init, &error);
  if (server->context_ == nullptr) return unavailable("http.listen: cannot listen on " + address + ": " + text.data());
  mg_server_port port{};
  if (mg_get_server_ports(server->context_, 1, &port) == 1) server->port_ = port.port;
  return server;
}

HttpServer::~HttpServer() {
  if (context_ != nullptr) mg_stop(context_);
  mg_exit_library();
}

}  // namespace helix::server
