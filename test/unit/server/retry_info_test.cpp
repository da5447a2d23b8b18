#include "server/transport/retry_info.h"

#include "server/transport/client_facts.h"

#include <catch2/catch.hpp>

using namespace helix;
using namespace helix::server;
using namespace std::chrono_literals;

TEST_CASE("retry details are a google.rpc.Status with a RetryInfo") {
  // as the official classes write it: code 8, message "full", Any of RetryInfo {retry_delay {1 s, 250 ms}}
  const std::string any = std::string("\x0a\x28", 2) + "type.googleapis.com/google.rpc.RetryInfo" +
                          std::string("\x12\x09\x0a\x07\x08\x01\x10\x80\xe5\x9a\x77", 11);
  const std::string expected =
      std::string("\x08\x08\x12\x04", 4) + "full" + "\x1a" + static_cast<char>(any.size()) + any;
  CHECK(retry_details(resource_exhausted("full"), 1250ms) == expected);
  const grpc::Status status = with_retry_info(resource_exhausted("full"), 1250ms);
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(status.error_details() == expected);
}

TEST_CASE("a peer is one client whatever its port") {
  CHECK(without_port("ipv4:10.0.0.1:4711") == "ipv4:10.0.0.1");
  CHECK(without_port("ipv6:%5B::1%5D:4711") == "ipv6:%5B::1%5D");
  CHECK(without_port("unix:") == "unix");
}
