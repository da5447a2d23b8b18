#include "clients/bench/server_target.h"

#include "clients/bench/answer_time.h"
#include "clients/cpp/channel.h"
#include "clients/cpp/messages.h"
#include "clients/cpp/retry.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <utility>

namespace helix::bench {
namespace {

const std::string kMethod = "/helix.v1.Reconstruction/Reconstruct";

/// Parses the whole of an answer and compares it with the right one; says what is wrong, if anything.
std::string compare(grpc::ByteBuffer& bytes, const Payload& payload) {
  v1::ReconstructResponse message;
  grpc::ProtoBufferReader reader(&bytes);
  if (!reader.status().ok() || !message.ParseFromZeroCopyStream(&reader)) return "the bytes are no answer";
  const Result<Reconstruction> answer = decode(message, payload.call.hits);
  if (!answer.ok()) return answer.status().message();
  return fingerprint(*answer) == payload.fingerprint ? "" : "tracks or vertices differ from those of --local";
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
    if (!status.ok()) {
      if (const auto text = pushback_of(context)) reply.pushback = parse_pushback(*text);
      return reply;
    }
    const auto time = read_time(answer);
    reply.time = time.value_or(TimeSplit());
    if (!time)
      reply.error = "the bytes are no answer";
    else if (!payload.fingerprint.empty())
      reply.error = compare(answer, payload);
    reply.differs = !reply.error.empty();
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
  for (const auto& connection : connections_) connection->channel->GetState(true);  // all at once
  for (const auto& connection : connections_)
    if (Status status = wait_for_connection(*connection->channel, options_.address, timeout); !status.ok())
      return status;
  return {};
}

void ServerTarget::send(const Payload& payload, int client, Clock::time_point deadline, std::stop_token stop,
                        std::function<void(Reply)> done) {
  auto call = std::make_unique<Call>(payload, std::move(done));
  call->context.set_deadline(std::chrono::system_clock::now() + (deadline - Clock::now()));
  for (const auto& [key, value] : options_.metadata) call->context.AddMetadata(key, value);
  announce(call->context, options_.pipeline);
  Connection& connection = *connections_[static_cast<std::size_t>(client) % connections_.size()];
  Call* const c = call.release();  // gRPC's until it calls back
  if (stop.stop_possible()) c->cancel.emplace(std::move(stop), Call::Cancel{c->context});
  connection.stub.UnaryCall(&c->context, kMethod, {}, &payload.bytes, &c->answer, [c](const grpc::Status& status) {
    Reply reply = reply_of([&] { return c->reply(status); });
    const auto done = std::move(c->done);
    delete c;
    done(std::move(reply));
  });
}

}  // namespace helix::bench
