#include "server/observe/http.h"

#include <catch2/catch.hpp>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <vector>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

sockaddr_storage address_of(const char* host, int port = 0) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  REQUIRE(getaddrinfo(host, std::to_string(port).c_str(), &hints, &found) == 0);
  sockaddr_storage address{};
  std::memcpy(&address, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return address;
}

const sockaddr& generic(const sockaddr_storage& address) { return reinterpret_cast<const sockaddr&>(address); }

/// One connection, as slow and as rude as a test wants it.
class Connection {
 public:
  explicit Connection(const sockaddr_storage& to, const char* from = nullptr)
      : socket_(::socket(generic(to).sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (from != nullptr) {
      const sockaddr_storage own = address_of(from);
      REQUIRE(bind(socket_, &generic(own), sizeof own) == 0);
    }
    REQUIRE(connect(socket_, &generic(to), sizeof to) == 0);
  }
  Connection(Connection&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  Connection& operator=(Connection&&) = delete;
  ~Connection() { close(socket_); }

  /// Whether the other side still took it.
  bool send(const std::string& text) const {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  void end_of_requests() const { shutdown(socket_, SHUT_WR); }
  /// All until the other side closes; empty: nothing, or not within 20 s.
  std::string receive() const {
    std::string all;
    std::array<char, 4096> part;
    for (ssize_t n; (n = recv(socket_, part.data(), part.size(), 0)) > 0;) all.append(part.data(), n);
    return all;
  }

 private:
  int socket_;
};

std::string request(const std::string& path, const std::string& headers = "", const char* method = "GET") {
  return method + (" " + path) + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

/// Not every machine, or container, has it.
bool has_ipv6() {
  const sockaddr_storage address = address_of("::1");
  const int socket = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool has = socket >= 0 && bind(socket, &generic(address), sizeof address) == 0;
  if (socket >= 0) close(socket);
  return has;
}

std::string ask(const sockaddr_storage& to, const std::string& text, const char* from = nullptr) {
  const Connection connection(to, from);
  REQUIRE(connection.send(text));
  return connection.receive();
}

std::unique_ptr<HttpServer> start(const std::string& address) {
  HttpPages pages;
  pages["/page"] = {[] { return HttpAnswer{.type = "application/json", .body = "0123456789"}; }};
  pages["/local"] = {[] { return HttpAnswer{.body = "private"}; }, true};
  pages["/broken"] = {[]() -> HttpAnswer { throw std::runtime_error("no page"); }};
  auto server = HttpServer::start(address, std::move(pages));
  REQUIRE(server.status().message() == "");
  return *std::move(server);
}

}  // namespace

TEST_CASE("http: what is no address, or not one of this machine, is an error that says so") {
  for (const char* address : {"8002", "localhost", "127.0.0.1:", "127.0.0.1:8002s", "127.0.0.1:70000", ":1",
                              "127.0.0.1:0,127.0.0.1:0", "127.0.0.1:-1"}) {
    CAPTURE(address);
    const auto server = HttpServer::start(address, {});
    REQUIRE_FALSE(server.ok());
    CHECK(server.status().code() == Code::invalid_argument);
    CHECK_THAT(server.status().message(), Contains("http.listen: \"" + std::string(address) + "\""));
  }
  const auto elsewhere = HttpServer::start("192.0.2.1:0", {});
  REQUIRE_FALSE(elsewhere.ok());
  CHECK(elsewhere.status().code() == Code::invalid_argument);
  CHECK_THAT(elsewhere.status().message(),
             Contains("cannot listen on 192.0.2.1:0: " + std::string(std::strerror(EADDRNOTAVAIL))));
  const auto unknown = HttpServer::start("no-such-host.invalid:0", {});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.status().code() == Code::invalid_argument);
  CHECK_THAT(unknown.status().message(), Contains("cannot listen on no-such-host.invalid:0: "));
}

TEST_CASE("http: an address in use is another error than all others, as it may become free") {
  for (const char* host : {"127.0.0.1:", "localhost:", "[::1]:"}) {
    CAPTURE(host);
    if (*host == '[' && !has_ipv6()) continue;
    const auto first = start(host + std::string("0"));
    CHECK(first->port() > 0);
    const std::string taken = host + std::to_string(first->port());
    const auto second = HttpServer::start(taken, {});
    REQUIRE_FALSE(second.ok());
    CHECK(second.status().code() == Code::unavailable);
    CHECK(second.status().message() == "http.listen: cannot listen on " + taken + ": " + std::strerror(EADDRINUSE));
  }
}

TEST_CASE("http: an address can be had again at once") {
  auto first = start("127.0.0.1:0");
  const int port = first->port();
  CHECK_THAT(ask(address_of("127.0.0.1", port), request("/page")), Contains("200 OK"));
  first.reset();
  const auto second = start("127.0.0.1:" + std::to_string(port));
  CHECK_THAT(ask(address_of("127.0.0.1", port), request("/page")), Contains("200 OK"));
}

TEST_CASE("http: pages, methods, and what is no page") {
  const auto server = start("127.0.0.1:0");
  const sockaddr_storage address = address_of("127.0.0.1", server->port());
  const std::string page = ask(address, request("/page"));
  CHECK_THAT(page, Catch::StartsWith("HTTP/1.1 200 OK\r\n") && Catch::EndsWith("\r\n\r\n0123456789"));
  for (const char* header : {"Content-Type: application/json\r\n", "Content-Length: 10\r\n",
                             "Cache-Control: no-store\r\n", "Connection: close\r\n"})
    CHECK_THAT(page, Contains(header));
  CHECK_THAT(ask(address, request("/page", "", "HEAD")),
             Catch::StartsWith("HTTP/1.1 200 ") && Contains("Content-Length: 10\r\n") && Catch::EndsWith("\r\n\r\n"));
  CHECK_THAT(ask(address, request("/page", "Content-Length: 4\r\n", "POST") + "body"),
             Catch::StartsWith("HTTP/1.1 405 ") && Contains("Allow: GET, HEAD\r\n"));
  CHECK_THAT(ask(address, request("/nothing")), Catch::StartsWith("HTTP/1.1 404 ") && Contains("no-store"));
  CHECK_THAT(ask(address, request("/broken")),
             Catch::StartsWith("HTTP/1.1 500 ") && Catch::EndsWith("\r\n\r\ninternal error\n"));
  CHECK_THAT(ask(address, "nonsense\r\n\r\n"), !Contains("0123456789"));
}

TEST_CASE("http: many ranges are one whole page") {
  const auto server = start("127.0.0.1:0");
  std::string ranges = "Range: bytes=0-";
  for (int i = 0; i < 2000; ++i) ranges += ",0-9";
  const std::string answer =
      ask(address_of("127.0.0.1", server->port()), request("/page", ranges + "\r\n" + ranges + "\r\n"));
  CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 200 ") && Catch::EndsWith("\r\n\r\n0123456789"));
  CHECK(answer.size() < 1000);
}

TEST_CASE("http: endless lines and endless headers are cut off") {
  const auto server = start("127.0.0.1:0");
  const std::string much(1 << 16, 'x');
  for (const char* begin : {"GET /", "GET /page HTTP/1.1\r\nA: ", ""}) {
    CAPTURE(begin);
    const Connection endless(address_of("127.0.0.1", server->port()));
    CHECK(endless.send(begin));
    int sent = 0;
    while (sent < 1000 && endless.send(much)) ++sent;
    CHECK(sent < 1000);
  }
  CHECK_THAT(ask(address_of("127.0.0.1", server->port()), request("/page")), Contains("200 OK"));
}

TEST_CASE("http: who says nothing more after the request still gets the answer") {
  const auto server = start("127.0.0.1:0");
  for (int i = 0; i < 20; ++i) {
    const Connection half(address_of("127.0.0.1", server->port()));
    REQUIRE(half.send(request("/page")));
    half.end_of_requests();
    CHECK_THAT(half.receive(), Catch::EndsWith("\r\n\r\n0123456789"));
  }
}

TEST_CASE("http: silent clients keep up neither others nor the end") {
  auto server = start("127.0.0.1:0");
  const sockaddr_storage address = address_of("127.0.0.1", server->port());
  std::vector<Connection> silent;
  for (int i = 0; i < 10; ++i) {
    silent.emplace_back(address);
    if (i % 2 == 0) REQUIRE(silent.back().send("GET /pa"));
  }
  const auto begin = std::chrono::steady_clock::now();
  CHECK_THAT(ask(address, request("/page")), Contains("200 OK"));
  server.reset();
  CHECK(std::chrono::steady_clock::now() - begin < 4s);
}

TEST_CASE("http: one address cannot take all connections") {
  const auto server = start("127.0.0.1:0");
  const sockaddr_storage address = address_of("127.0.0.1", server->port());
  std::vector<Connection> silent;
  for (int i = 0; i < 200; ++i) silent.emplace_back(address);
  const auto begin = std::chrono::steady_clock::now();
  CHECK_THAT(ask(address, request("/page"), "127.0.0.2"), Contains("200 OK"));
  CHECK(std::chrono::steady_clock::now() - begin < 4s);
}

TEST_CASE("http: connections end after a while, silent or not") {
  ConnectionDeadlines deadlines(50ms);
  std::array<int, 2> ends, others;
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, others.data()) == 0);
  for (const int socket : {others[0], ends[0]}) deadlines.opened(socket);
  deadlines.closed(others[0]);
  char byte;
  CHECK(recv(ends[1], &byte, 1, 0) == 0);
  CHECK(recv(others[1], &byte, 1, MSG_DONTWAIT) == -1);
  for (const int socket : {ends[0], ends[1], others[0], others[1]}) close(socket);
}

TEST_CASE("http: over IPv6, and over IPv4 at an address for both") {
  if (!has_ipv6()) {
    WARN("this machine has no IPv6");
    return;
  }
  const auto server = start("[::]:0");
  for (const char* host : {"::1", "127.0.0.1"})
    CHECK_THAT(ask(address_of(host, server->port()), request("/local")), Catch::EndsWith("\r\n\r\nprivate"));
}

TEST_CASE("http: addresses of this machine's loopback") {
  for (const char* host : {"127.0.0.1", "127.255.1.2", "::1", "::ffff:127.0.0.1"})
    CHECK(is_loopback(generic(address_of(host))));
  for (const char* host :
       {"128.0.0.1", "10.127.0.1", "0.0.0.0", "::", "::2", "::127.0.0.1", "2001:db8::127", "::ffff:10.127.0.1"})
    CHECK_FALSE(is_loopback(generic(address_of(host))));
  CHECK_FALSE(is_loopback(sockaddr{.sa_family = AF_UNIX, .sa_data = {}}));
}
