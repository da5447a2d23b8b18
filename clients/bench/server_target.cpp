#include "clients/bench/server_target.h"

#include "clients/cpp/channel.h"
#include "clients/cpp/messages.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <charconv>

namespace helix::bench {
namespace {

using google::protobuf::internal::WireFormatLite;
using std::chrono::nanoseconds;

const std::string kMethod = "/helix.v1.Reconstruction/Reconstruct";

TimeSplit times(const v1::TimeSplit& from) {
  const auto ns = [](std::uint64_t time) { return nanoseconds(static_cast<std::int64_t>(time)); };
  TimeSplit to;
  to.queue = ns(from.queue());
  to.batch = ns(from.batch());
  to.copy_in = ns(from.copy_in());
  to.compute = ns(from.compute());
  to.copy_out = ns(from.copy_out());
  to.batch_events = from.batch_events();
  to.batch_hits = from.batch_hits();
  return to;
}

/// Walks over an answer's fields and parses one of them. False: the bytes are no answer.
bool read_times(grpc::ByteBuffer& bytes, TimeSplit& time) {
  grpc::ProtoBufferReader reader(&bytes);
  google::protobuf::io::CodedInputStream in(&reader);
  constexpr std::uint32_t kTime =
      WireFormatLite::MakeTag(v1::ReconstructResponse::kTimeFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag != kTime) {
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      continue;
    }
    v1::TimeSplit message;
    if (!WireFormatLite::ReadMessage(&in, &message)) return false;
    time = times(message);
  }
  return reader.status().ok();
}

/// Parses the whole of an answer and compares it with the right one; says what is wrong, if anything.
std::string compare(grpc::ByteBuffer& bytes, const Payload& payload) {
  v1::ReconstructResponse message;
  grpc::ProtoBufferReader reader(&bytes);
  if (!reader.status().ok() || !message.ParseFromZeroCopyStream(&reader)) return "the bytes are no answer";
  const Result<Reconstruction> answer = decode(message, payload.call.hits);
  if (!answer.ok()) return answer.status().message();
  return fingerprint(*answer) == payload.fingerprint ? "" : "tracks or vertices differ from those of --local";
}

std::optional<std::chrono::milliseconds> wait_of(const grpc::ClientContext& context) {
  const std::optional<std::string> text = pushback_of(context);
  if (!text) return std::nullopt;
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ms);
  if (error != std::errc() || ms < 0) return std::nullopt;
  return std::chrono::milliseconds(ms);
}

/// One request under way; goes away before its reply is told, which may be the last of all.
struct Call {
  Call(const Payload& sent, std::function<void(Reply)> then) : payload(sent), done(std::move(then)) {}

  const Payload& payload;
  std::function<void(Reply)> done;
  grpc::ClientContext context;
  grpc::ByteBuffer answer;
  struct Cancel {
    grpc::ClientContext& context;
    void operator()() const { context.TryCancel(); }
  };
  std::optional<std::stop_callback<Cancel>> cancel;  // after the context: ends before it

  Reply reply(const grpc::Status& status) {
    cancel.reset();
    Reply reply;
    reply.code = status.error_code();
    reply.error = status.error_message();
    if (!status.ok())
      reply.pushback = wait_of(context);
    else if (!read_times(answer, reply.time))
      reply.error = "the bytes are no answer";
    else if (!payload.fingerprint.empty())
      reply.error = compare(answer, payload);
    reply.differs = status.ok() && !reply.error.empty();
    return reply;
  }
};

}  // namespace

struct ServerTarget::Connection {
  explicit Connection(const std::string& address) : channel(make_channel(address)), stub(channel) {}
  std::shared_ptr<grpc::Channel> channel;  // shared with the stub, as gRPC wants it
  grpc::GenericStub stub;
};

ServerTarget::ServerTarget(const ServerTargetOptions& options) : options_(options) {
  for (int i = 0; i < options.connections; ++i) connections_.push_back(std::make_unique<Connection>(options.address));
}

ServerTarget::~ServerTarget() = default;

Status ServerTarget::connect(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::system_clock::now() + timeout;
  for (const auto& connection : connections_) connection->channel->GetState(true);
  for (const auto& connection : connections_)
    if (!connection->channel->WaitForConnected(deadline))
      return unavailable("no server at " + options_.address + " within " + std::to_string(timeout.count()) + " ms");
  return {};
}

void ServerTarget::send(const Payload& payload, int client, Clock::time_point deadline, std::stop_token stop,
                        std::function<void(Reply)> done) {
  auto call = std::make_unique<Call>(payload, std::move(done));
  call->context.set_deadline(std::chrono::system_clock::now() + (deadline - Clock::now()));
  for (const auto& [key, value] : options_.metadata) call->context.AddMetadata(key, value);
  Connection& connection = *connections_[static_cast<std::size_t>(client) % connections_.size()];
  Call* const c = call.release();  // gRPC's until it calls back
  if (stop.stop_possible()) c->cancel.emplace(std::move(stop), Call::Cancel{c->context});
  connection.stub.UnaryCall(&c->context, kMethod, {}, &payload.bytes, &c->answer, [c](const grpc::Status& status) {
    Reply reply = c->reply(status);
    const auto done = std::move(c->done);
    delete c;
    done(std::move(reply));
  });
}

}  // namespace helix::bench
