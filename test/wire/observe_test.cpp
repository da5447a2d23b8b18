#include "test/wire/test_server.h"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>
#include <vector>

using namespace helix;
using namespace helix::wire_test;
using Catch::Contains;

namespace {

/// The whole answer, headers first; empty: none within 20 s.
std::string http_get(int port, const std::string& path) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{20, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    std::array<char, 4096> part;
    if (send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()))
      for (ssize_t n; (n = recv(socket, part.data(), part.size(), 0)) > 0;) answer.append(part.data(), n);
  }
  close(socket);
  return answer;
}

void with_http(server::Options& options) {
  options.http.listen = "127.0.0.1:0";
  options.batch.max_events = 1;
}

/// Scrapes until the line is there; false after a while.
bool wait_for_line(int port, const std::string& line) {
  const auto deadline = server::Clock::now() + std::chrono::seconds(20);
  while (server::Clock::now() < deadline)
    if (http_get(port, "/metrics").find("\n" + line + "\n") != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("metrics: what waits and what runs is there while it does, and gone afterwards") {
  TestServer server(with_http);
  const int port = server.app().http_port();
  REQUIRE(port > 0);
  server.script.hold();
  std::vector<std::future<Reply>> replies;
  const auto send = [&](const std::vector<float>& x) {
    replies.push_back(
        std::async(std::launch::async, [&server, x] { return reconstruct(server.client(), request_of(x)); }));
  };
  send({1});
  REQUIRE(server.script.wait_for_batches(1));
  send({1, 2});
  send({1, 2, 3});
  CHECK(wait_for_line(port, "helixd_queue_requests{pipeline=\"patatrack\"} 2"));
  const std::string held = http_get(port, "/metrics");
  CHECK_THAT(held, Contains("helixd_queue_hits{pipeline=\"patatrack\"} 5\n"));
  CHECK_THAT(held, Contains("helixd_admitted_requests{pipeline=\"patatrack\"} 3\n"));
  for (const char* name : {"helixd_queue_bytes", "helixd_queue_oldest_age_seconds", "helixd_admitted_bytes"})
    CHECK_THAT(held, Contains(name + std::string("{pipeline=\"patatrack\"} ")) &&
                         !Contains(name + std::string("{pipeline=\"patatrack\"} 0\n")));
  server.script.let_go();
  for (auto& reply : replies) CHECK(reply.get().status.ok());
  CHECK(wait_for_line(port, "helixd_batches_total{code=\"OK\",pipeline=\"patatrack\"} 3"));
  const std::string after = http_get(port, "/metrics");
  for (const char* name : {"helixd_queue_requests", "helixd_queue_hits", "helixd_queue_bytes",
                           "helixd_queue_oldest_age_seconds", "helixd_admitted_requests", "helixd_admitted_bytes"})
    CHECK_THAT(after, Contains(name + std::string("{pipeline=\"patatrack\"} 0\n")));
}

TEST_CASE("metrics: a request that finds the server full is rejected, one over a limit is not") {
  TestServer server([](server::Options& options) {
    with_http(options);
    options.queue.max_requests = 1;
    options.limits.hits.max_hits = 2;
  });
  CHECK(reconstruct(server.client(), request_of({1, 2, 3})).status.error_code() == grpc::RESOURCE_EXHAUSTED);
  server.script.hold();
  auto held = std::async(std::launch::async, [&server] { return reconstruct(server.client(), request_of({1})); });
  REQUIRE(server.script.wait_for_batches(1));
  CHECK(reconstruct(server.client(), request_of({1})).status.error_code() == grpc::RESOURCE_EXHAUSTED);
  server.script.let_go();
  CHECK(held.get().status.ok());
  const std::string text = http_get(server.app().http_port(), "/metrics");
  CHECK_THAT(text, Contains("code=\"RESOURCE_EXHAUSTED\",pipeline=\"patatrack\"} 2\n"));
  CHECK_THAT(text, Contains("helixd_requests_rejected_total{pipeline=\"patatrack\"} 1\n"));
}

TEST_CASE("metrics: counters of queues go on over reloads, lanes that are gone have no series") {
  TestServer server([](server::Options& options) {
    with_http(options);
    options.server.cpu_lanes = 4;
    options.server.drain_timeout = std::chrono::milliseconds(10);
  });
  const int port = server.app().http_port();
  const std::string fourth = "lane=\"3\",pipeline=\"echo\"} ";
  const auto counted = [&](int accepted, int completed) {
    const std::string text = http_get(port, "/metrics");
    CHECK_THAT(text,
               Contains("helixd_queue_accepted_total{pipeline=\"patatrack\"} " + std::to_string(accepted) + "\n"));
    CHECK_THAT(text, Contains("helixd_queue_ended_total{pipeline=\"patatrack\",end=\"completed\"} " +
                              std::to_string(completed) + "\n"));
    return text;
  };
  CHECK(reconstruct(server.client(), request_of({1})).status.ok());
  server.script.hold();
  auto held = std::async(std::launch::async, [&server] { return reconstruct(server.client(), request_of({1})); });
  REQUIRE(server.script.wait_for_batches(2));
  CHECK_THAT(counted(2, 1), Contains(fourth + "1\n") && Contains("helixd_lane_memory_bytes{" + fourth));

  server.options.server.cpu_lanes = 2;
  REQUIRE(server.reload().ok());
  const std::string reloaded = counted(2, 1);  // one of the old pipelines still runs
  CHECK_THAT(reloaded, Contains("lane=\"1\",pipeline=\"echo\"} 1\n") && !Contains(fourth + "1\n"));
  CHECK_THAT(reloaded, !Contains("helixd_lane_memory_bytes{" + fourth));

  server.script.let_go();
  CHECK(held.get().status.ok());
  counted(2, 2);
  REQUIRE(eventually([&] { return server.script.engines() == 1; }));
  CHECK(reconstruct(server.client(), request_of({1})).status.ok());
  counted(3, 3);
}

TEST_CASE("http: who takes over an address in use serves at once, and takes the address when it is free") {
  auto first = std::make_unique<TestServer>(with_http);
  const int port = first->app().http_port();
  const auto same_address = [port](server::Options& options) {
    options.http.listen = "127.0.0.1:" + std::to_string(port);
  };
  CHECK_THROWS_WITH(TestServer(same_address), Contains("cannot listen on 127.0.0.1:"));
  TestServer second([&](server::Options& options) {
    same_address(options);
    options.server.share_port = true;
  });
  CHECK(second.app().http_port() == 0);
  const auto mistaken = [&](server::Options& options) {
    options.http.listen = "192.0.2.1:" + std::to_string(port);
    options.server.share_port = true;
  };
  CHECK_THROWS_WITH(TestServer(mistaken), Contains("cannot listen on 192.0.2.1:"));
  CHECK(reconstruct(second.client(), request_of({1})).status.ok());
  first.reset();
  CHECK(wait_for_line(port, "helixd_requests_total{class=\"normal\",code=\"OK\",pipeline=\"patatrack\"} 1"));
  CHECK(eventually([&] { return second.app().http_port() == port; }));  // it answers before it says so
}

TEST_CASE("readiness: ends with the last device, the process stays alive") {
  TestServer server(with_http);
  const int port = server.app().http_port();
  CHECK_THAT(http_get(port, "/readyz"), Contains("HTTP/1.1 200 ") && Contains("\r\n\r\nready\n"));
  CHECK(reconstruct(server.client(), request_of({EngineScript::kLosing})).status.error_code() == grpc::UNAVAILABLE);
  CHECK(wait_for_line(port, "helixd_ready 0"));
  CHECK_THAT(http_get(port, "/readyz"), Contains("HTTP/1.1 503 ") && Contains("\r\n\r\nnot ready\n"));
  CHECK_THAT(http_get(port, "/healthz"), Contains("HTTP/1.1 200 "));
  CHECK_THAT(http_get(port, "/metrics"), Contains("helixd_lanes_in_service{pipeline=\"patatrack\"} 0\n"));
}
