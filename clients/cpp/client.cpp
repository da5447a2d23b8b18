#include "clients/cpp/client.h"

#include "clients/cpp/channel.h"
#include "clients/cpp/messages.h"
#include "clients/cpp/stream_run.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "helix/v1/reconstruct.grpc.pb.h"

#include <atomic>
#include <cstdlib>
#include <random>
#include <utility>

namespace helix {
namespace {

using Clock = std::chrono::system_clock;  // what gRPC's deadlines are in
using std::chrono::milliseconds;

milliseconds left_until(Clock::time_point deadline) {
  return std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
}

}  // namespace

std::string default_address() {
  const char* address = std::getenv("HELIX_SERVER");
  return address != nullptr && *address != '\0' ? address : "localhost:8001";
}

struct Client::Impl {
  ClientOptions options;
  std::shared_ptr<grpc::Channel> channel;  // shared with the stubs, as gRPC wants it
  std::unique_ptr<v1::Reconstruction::Stub> stub;
  std::unique_ptr<grpc::health::v1::Health::Stub> health;
  std::atomic<std::uint32_t> calls{0};

  Status status(const grpc::Status& from) const { return status_of(options.address, from); }

  Clock::time_point deadline(std::size_t n_hits) const {
    const double scale = 1.0 + static_cast<double>(n_hits) * 1e-6;
    return Clock::now() + milliseconds(static_cast<std::int64_t>(static_cast<double>(options.timeout.count()) * scale));
  }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

const std::string& Client::address() const { return impl_->options.address; }

Result<std::unique_ptr<Client>> Client::connect(const ClientOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  auto channel = open_channel(options);
  if (!channel.ok()) return channel.status();
  impl->channel = *std::move(channel);
  impl->stub = v1::Reconstruction::NewStub(impl->channel);
  impl->health = grpc::health::v1::Health::NewStub(impl->channel);
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Result<Reconstruction> Client::reconstruct(const ReconstructCall& call, std::stop_token stop) {
  const v1::ReconstructRequest request = encode(call);
  const auto deadline = impl_->deadline(call.hits.x.size());
  RetryPolicy retry(impl_->options.retry, std::random_device{}() + ++impl_->calls);
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    announce(context, request.pipeline());
    v1::ReconstructResponse answer;
    grpc::Status status;
    {
      const std::stop_callback cancel(stop, [&] { context.TryCancel(); });
      status = impl_->stub->Reconstruct(&context, request, &answer);
    }
    if (status.ok()) return decode(answer, call.hits);
    Status failure = impl_->status(status);
    // Nobody here cancelled it: a server that ended did.
    if (failure.code() == Code::cancelled && !stop.stop_requested()) failure = unavailable(failure.message());
    const auto pause = retry.next_wait(failure.code(), pushback_of(context), left_until(deadline));
    if (!pause) return failure;
    if (!wait(*impl_->channel, *pause, stop))
      return Status(Code::cancelled, "cancelled while waiting to try again: " + failure.message());
  }
}

Status Client::reconstruct_stream(const NextCall& next, const OnResult& done, std::stop_token stop) {
  return run_stream(*impl_->channel, *impl_->stub, impl_->options, next, done, stop);
}

Result<std::vector<std::string>> Client::pipelines() {
  grpc::ClientContext context;
  context.set_deadline(Clock::now() + impl_->options.ask_timeout);
  v1::ListPipelinesResponse answer;
  const grpc::Status status = impl_->stub->ListPipelines(&context, {}, &answer);
  if (!status.ok()) return impl_->status(status);
  return std::vector<std::string>(answer.pipelines().begin(), answer.pipelines().end());
}

Result<PipelineDescription> Client::describe(const std::string& pipeline) {
  grpc::ClientContext context;
  context.set_deadline(Clock::now() + impl_->options.ask_timeout);
  v1::DescribePipelineRequest request;
  request.set_pipeline(pipeline);
  v1::DescribePipelineResponse answer;
  const grpc::Status status = impl_->stub->DescribePipeline(&context, request, &answer);
  if (!status.ok()) return impl_->status(status);
  return decode(answer);
}

Result<bool> Client::healthy(const std::string& service) {
  grpc::ClientContext context;
  context.set_deadline(Clock::now() + impl_->options.ask_timeout);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse answer;
  const grpc::Status status = impl_->health->Check(&context, request, &answer);
  if (!status.ok()) return impl_->status(status);
  return answer.status() == grpc::health::v1::HealthCheckResponse::SERVING;
}

}  // namespace helix
