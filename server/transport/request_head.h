#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <optional>
#include <string>

namespace helix::server {

/// What a ReconstructRequest says beside its hits.
struct RequestHead {
  std::string pipeline;
  std::optional<int> priority;
};

/// Found by stepping over the hits: costs nothing beside parsing them, so that who is turned away is turned away at
/// once. Null: the bytes are no such message.
std::optional<RequestHead> head_of(const grpc::ByteBuffer& bytes);

}  // namespace helix::server
