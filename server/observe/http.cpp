#include "server/observe/http.h"

#include "server/observe/log.h"

#include <microhttpd.h>
#include <netinet/in.h>

#include <chrono>
#include <exception>
#include <string_view>

namespace helix::server {
namespace {

constexpr unsigned kConnections = 64;
constexpr unsigned kConnectionsOfOne = 16;        // so that one address cannot take all
constexpr std::size_t kMemory = 32 * 1024;        // of a connection, so also the longest request
constexpr unsigned kSilence = 5;                  // seconds
constexpr std::chrono::seconds kLongestCall{10};  // however busy it is

HttpAnswer find_answer(std::string_view method, std::string_view path, bool local, const HttpPages& pages) {
  const auto page = pages.find(path);
  if (page == pages.end() || (page->second.local_only && !local)) return {.code = 404, .body = "not found\n"};
  if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD)
    return {.code = 405, .body = "GET and HEAD only\n"};
  try {
    return page->second.answer();
  } catch (const std::exception& error) {
    log::write_limited(log::Level::error, "http.failed", {{"path", page->first}, {"error", error.what()}});
    return {.code = 500, .body = "internal error\n"};
  }
}

bool is_local(MHD_Connection* connection) {
  const MHD_ConnectionInfo* client = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return client != nullptr && client->client_addr != nullptr && is_loopback(*client->client_addr);
}

int socket_of(MHD_Connection* connection) {
  const MHD_ConnectionInfo* socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return socket == nullptr ? -1 : socket->connect_fd;
}

MHD_Result send(MHD_Connection* connection, const HttpAnswer& answer) {
  void* body = const_cast<char*>(answer.body.data());  // which is copied
  const std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)> response(
      MHD_create_response_from_buffer(answer.body.size(), body, MHD_RESPMEM_MUST_COPY), MHD_destroy_response);
  if (!response) return MHD_NO;
  const auto add = [&](const char* name, const char* value) {
    return MHD_add_response_header(response.get(), name, value) == MHD_YES;
  };
  const bool whole = add(MHD_HTTP_HEADER_CONTENT_TYPE, answer.type.c_str()) &&
                     add(MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
                     add(MHD_HTTP_HEADER_CONNECTION, "close") &&  // so a connection's time is a request's
                     (answer.code != 405 || add(MHD_HTTP_HEADER_ALLOW, "GET, HEAD"));
  return whole ? MHD_queue_response(connection, static_cast<unsigned>(answer.code), response.get()) : MHD_NO;
}

}  // namespace

bool is_loopback(const sockaddr& address) {
  constexpr unsigned char kNet = 127;
  if (address.sa_family == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24 == kNet;
  if (address.sa_family != AF_INET6) return false;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == kNet);
}

/// What the library calls, on its thread; no exception may get there. MHD_NO closes the connection.
struct HttpServer::Callbacks {
  static MHD_Result request(void* self, MHD_Connection* connection, const char* path, const char* method, const char*,
                            const char*, std::size_t*, void**) noexcept try {
    return send(connection, find_answer(method, path, is_local(connection), static_cast<HttpServer*>(self)->pages_));
  } catch (const std::exception&) {
    return MHD_NO;
  }

  static void connection(void* self, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode what) noexcept {
    ConnectionDeadlines& deadlines = static_cast<HttpServer*>(self)->deadlines_;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
      deadlines.opened(socket_of(connection));
    else
      deadlines.closed(socket_of(connection));
  }
};

HttpServer::HttpServer(int port, HttpPages pages) : port_(port), pages_(std::move(pages)), deadlines_(kLongestCall) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& address, HttpPages pages) {
  Result<ListenSocket> socket = ListenSocket::open(address);
  if (!socket.ok()) return socket.status();
  std::unique_ptr<HttpServer> server(new HttpServer(socket->port(), std::move(pages)));
  // The socket is the library's from here on, even when it fails. Its thread has the system's usual stack.
  server->daemon_.reset(MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, nullptr, nullptr, Callbacks::request,
                                         server.get(),                                                       //
                                         MHD_OPTION_LISTEN_SOCKET, socket->release(),                        //
                                         MHD_OPTION_NOTIFY_CONNECTION, Callbacks::connection, server.get(),  //
                                         MHD_OPTION_CONNECTION_LIMIT, kConnections,                          //
                                         MHD_OPTION_PER_IP_CONNECTION_LIMIT, kConnectionsOfOne,              //
                                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMemory,                        //
                                         MHD_OPTION_CONNECTION_TIMEOUT, kSilence, MHD_OPTION_END));
  if (!server->daemon_) return internal_error("http.listen: the server of " + address + " does not start");
  return server;
}

HttpServer::~HttpServer() = default;

void HttpServer::Stop::operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }

}  // namespace helix::server
