// The head of a request, in bytes as a client may send them.
#include "server/transport/request_head.h"

#include "helix/v1/reconstruct.pb.h"
#include "server/batching/request_facts.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace helix;
using namespace helix::server;

namespace {

grpc::ByteBuffer buffer(const std::string& bytes, std::size_t slice) {
  std::vector<grpc::Slice> slices;
  for (std::size_t at = 0; at < bytes.size(); at += slice) slices.emplace_back(bytes.substr(at, slice));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

v1::ReconstructRequest request() {
  v1::ReconstructRequest request;
  request.set_pipeline("patatrack");
  request.set_request_id("id");
  for (int i = 0; i < 1000; ++i) request.mutable_hits()->add_x(static_cast<float>(i));
  request.set_min_quality(2);
  return request;
}

}  // namespace

TEST_CASE("head: pipeline and priority, wherever the bytes are cut") {
  v1::ReconstructRequest message = request();
  const std::size_t slice = GENERATE(1, 7, 100'000);
  auto head = head_of(buffer(message.SerializeAsString(), slice));
  REQUIRE(head);
  CHECK(head->pipeline == "patatrack");
  CHECK_FALSE(head->priority);
  message.set_priority(2);
  CHECK(head_of(buffer(message.SerializeAsString(), slice))->priority == 2);
  message.set_priority(4'000'000'000);
  CHECK(head_of(buffer(message.SerializeAsString(), slice))->priority > kPriorities);
}

TEST_CASE("head: none of bytes that are no request, and the bytes are left as they were") {
  const std::string bytes = request().SerializeAsString();
  for (std::size_t n = 1; n < 40; ++n) {
    CAPTURE(n);
    CHECK_FALSE(head_of(buffer(bytes.substr(0, bytes.size() - 2 - n), 100)));
  }
  CHECK_FALSE(head_of(buffer("\xff\xff\xff", 1)));
  CHECK(head_of(grpc::ByteBuffer(nullptr, 0))->pipeline.empty());
  const grpc::ByteBuffer whole = buffer(bytes, 100);
  CHECK(head_of(whole));
  std::vector<grpc::Slice> slices;
  REQUIRE(whole.Dump(&slices).ok());
  std::string left;
  for (const grpc::Slice& slice : slices) left.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  CHECK(left == bytes);
}
