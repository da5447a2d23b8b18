#pragma once

#include "clients/cpp/reconstruction.h"

#include <grpcpp/support/byte_buffer.h>

#include <optional>

namespace helix::bench {

/// Walks over the fields of an answer's bytes and parses only the split of time. Nothing: the bytes are no answer.
std::optional<TimeSplit> read_time(grpc::ByteBuffer& bytes);

}  // namespace helix::bench
