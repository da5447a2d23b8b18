// The split of time out of an answer's bytes, whatever is around it.
#include "clients/bench/answer_time.h"

#include "helix/v1/reconstruct.pb.h"

#include <catch2/catch.hpp>

using namespace helix;

namespace {

std::optional<TimeSplit> read(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  grpc::ByteBuffer buffer(&slice, 1);
  return bench::read_time(buffer);
}

std::string answer() {
  v1::ReconstructResponse message;
  message.set_request_id("a name");
  for (int i = 0; i < 300; ++i) message.mutable_tracks()->add_phi(1);
  message.mutable_time()->set_queue(3);
  message.mutable_time()->set_compute(700);
  message.mutable_time()->set_batch_events(5);
  return message.SerializeAsString();
}

}  // namespace

TEST_CASE("an answer's split of time is found among its fields") {
  const auto time = read(answer());
  REQUIRE(time);
  CHECK(time->queue.count() == 3);
  CHECK(time->compute.count() == 700);
  CHECK(time->batch_events == 5);
  CHECK(read(""));  // all fields at their defaults
}

TEST_CASE("bytes that are cut off or no fields are no answer") {
  const std::string bytes = answer();
  CHECK_FALSE(read(bytes.substr(0, bytes.size() - 1)));
  CHECK_FALSE(read(bytes + '\xff'));  // a tag without its end
  CHECK_FALSE(read(bytes + std::string(1, '\0')));
  CHECK_FALSE(read("\x0a\xff"));
}
