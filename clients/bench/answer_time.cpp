#include "clients/bench/answer_time.h"

#include "clients/cpp/messages.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

namespace helix::bench {

using google::protobuf::internal::WireFormatLite;

std::optional<TimeSplit> read_time(grpc::ByteBuffer& bytes) {
  grpc::ProtoBufferReader reader(&bytes);
  google::protobuf::io::CodedInputStream in(&reader);
  constexpr std::uint32_t kTime =
      WireFormatLite::MakeTag(v1::ReconstructResponse::kTimeFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  TimeSplit time;
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag != kTime) {
      if (!WireFormatLite::SkipField(&in, tag)) return std::nullopt;
      continue;
    }
    v1::TimeSplit message;
    if (!WireFormatLite::ReadMessage(&in, &message)) return std::nullopt;
    time = decode(message);
  }
  if (!in.ConsumedEntireMessage() || !reader.status().ok()) return std::nullopt;  // cut off within a tag
  return time;
}

}  // namespace helix::bench
