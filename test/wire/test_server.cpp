#include "test/wire/test_server.h"

#include "clients/cpp/channel.h"

#include <grpcpp/generic/generic_stub.h>

#include <future>
#include <stdexcept>

namespace helix::wire_test {
namespace {

constexpr const char* kGeometry = HELIX_SOURCE_DIR "/test/data/geometry/generic-pixel";

}  // namespace

std::shared_ptr<const Detector> test_detector() {
  static const auto detector = [] {
    auto loaded = load_detector(kGeometry);
    if (!loaded.ok()) throw std::runtime_error(loaded.status().message());
    return std::make_shared<const Detector>(*std::move(loaded));
  }();
  return detector;
}

server::Options test_options() {
  server::Options options;
  options.server.geometry = kGeometry;
  options.server.listen = "127.0.0.1:0";
  options.server.drain_delay = std::chrono::milliseconds(0);
  options.server.drain_timeout = std::chrono::seconds(20);
  options.http.listen = "";
  options.exatrkx.models = "";
  options.log.level = server::log::Level::error;
  server::log::configure(options.log.level, options.log.format);
  return options;
}

TestServer::TestServer(const Change& change, int lanes) : options(test_options()) {
  if (change) change(options);
  server::Program program{.read_options = [this] { return options; }, .end = {}};
  auto app = server::App::start(options, test_detector(), fake_engines(script, lanes), std::move(program));
  if (!app.ok()) throw std::runtime_error(app.status().message());
  app_ = *std::move(app);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  // Servers of other tests may have had this port: no connection is shared.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(app_->port()), grpc::InsecureChannelCredentials(),
                                       arguments);
  client_ = v1::Reconstruction::NewStub(channel_);
  health_ = grpc::health::v1::Health::NewStub(channel_);
}

server::Reloader::Outcome TestServer::reload() {
  std::promise<server::Reloader::Outcome> done;
  app_->reload([&](const server::Reloader::Outcome& outcome) { done.set_value(outcome); });
  return done.get_future().get();
}

v1::ReconstructRequest request_of(const std::vector<float>& x) {
  v1::ReconstructRequest request;
  request.set_pipeline("patatrack");
  v1::Hits& hits = *request.mutable_hits();
  hits.add_event_offsets(0);
  hits.add_event_offsets(static_cast<std::uint32_t>(x.size()));
  for (const float value : x) {
    hits.add_x(value);
    hits.add_y(1);
    hits.add_z(1);
    hits.add_module_index(0);
  }
  return request;
}

Reply reconstruct(v1::Reconstruction::Stub& client, const v1::ReconstructRequest& request,
                  std::chrono::milliseconds deadline) {
  Reply reply;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  reply.status = client.Reconstruct(&context, request, &reply.answer);
  reply.pushback = pushback_of(context).value_or("");
  return reply;
}

RawReply call_raw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method, const std::string& bytes) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const auto call = stub.PrepareUnaryCall(&context, method, grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  RawReply reply;
  grpc::ByteBuffer answer;
  call->Finish(&answer, &reply.status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  std::vector<grpc::Slice> parts;
  if (answer.Valid() && answer.Dump(&parts).ok())
    for (const grpc::Slice& part : parts) reply.answer.append(reinterpret_cast<const char*>(part.begin()), part.size());
  return reply;
}

}  // namespace helix::wire_test
