#include "server/transport/request_head.h"

#include "helix/v1/reconstruct.pb.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <limits>

namespace helix::server {

std::optional<RequestHead> head_of(const grpc::ByteBuffer& bytes) {
  using Format = google::protobuf::internal::WireFormatLite;
  constexpr auto kPipeline =
      Format::MakeTag(v1::ReconstructRequest::kPipelineFieldNumber, Format::WIRETYPE_LENGTH_DELIMITED);
  constexpr auto kPriority = Format::MakeTag(v1::ReconstructRequest::kPriorityFieldNumber, Format::WIRETYPE_VARINT);
  grpc::ByteBuffer view(bytes);  // shares the bytes
  grpc::ProtoBufferReader reader(&view);
  if (!reader.status().ok()) return std::nullopt;
  google::protobuf::io::CodedInputStream in(&reader);
  RequestHead head;
  while (const std::uint32_t tag = in.ReadTag()) {
    std::uint32_t number = 0;
    bool read = true;
    if (tag == kPipeline) {
      read = Format::ReadString(&in, &head.pipeline);
    } else if (tag == kPriority) {
      read = in.ReadVarint32(&number);
      head.priority = static_cast<int>(std::min<std::uint32_t>(number, std::numeric_limits<int>::max()));
    } else {
      read = Format::SkipField(&in, tag);
    }
    if (!read) return std::nullopt;
  }
  return in.ConsumedEntireMessage() ? std::optional(std::move(head)) : std::nullopt;
}

}  // namespace helix::server
