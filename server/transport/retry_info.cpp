#include "server/transport/retry_info.h"

#include "server/transport/grpc_status.h"

#include <cstdint>

namespace helix::server {
namespace {

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 128; value /= 128) out += static_cast<char>(value % 128 + 128);
  out += static_cast<char>(value);
}

/// A field of wire type 0; left out where it is 0, as proto3 has it.
void put_number(std::string& out, int field, std::int64_t value) {
  if (value == 0) return;
  put_varint(out, static_cast<std::uint64_t>(field) * 8);
  put_varint(out, static_cast<std::uint64_t>(value));
}

/// A field of wire type 2: text, or a message.
void put_bytes(std::string& out, int field, const std::string& value) {
  put_varint(out, static_cast<std::uint64_t>(field) * 8 + 2);
  put_varint(out, value.size());
  out += value;
}

}  // namespace

std::string retry_details(const Status& status, std::chrono::milliseconds retry_after) {
  std::string duration, retry_info, any, all;
  put_number(duration, 1, retry_after.count() / 1000);              // Duration.seconds
  put_number(duration, 2, retry_after.count() % 1000 * 1'000'000);  // Duration.nanos
  put_bytes(retry_info, 1, duration);                               // RetryInfo.retry_delay
  put_bytes(any, 1, "type.googleapis.com/google.rpc.RetryInfo");    // Any.type_url
  put_bytes(any, 2, retry_info);                                    // Any.value
  put_number(all, 1, grpc_code(status.code()));                     // Status.code
  put_bytes(all, 2, status.message());                              // Status.message
  put_bytes(all, 3, any);                                           // Status.details
  return all;
}

grpc::Status with_retry_info(const Status& status, std::chrono::milliseconds retry_after) {
  return {grpc_code(status.code()), status.message(), retry_details(status, retry_after)};
}

}  // namespace helix::server
