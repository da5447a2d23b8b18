#include "server/transport/reconstruct_service.h"

#include "server/transport/encode.h"
#include "server/transport/exchange.h"
#include "server/transport/finish.h"
#include "server/transport/grpc_status.h"
#include "server/transport/receipt.h"
#include "server/transport/request_head.h"
#include "server/transport/retry_info.h"

#include <atomic>
#include <optional>
#include <string>

namespace helix::server {
namespace {

using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

constexpr char kPipelineKey[] = "helix-pipeline";

/// One call of Reconstruct, from its headers to its end. Served as a stream of one request and one answer, which on the
/// wire is the same: so the server is asked before the request is read, and who names the pipeline in the metadata
/// helix-pipeline and is turned away need not send the hits. Owned by gRPC: goes away with OnDone, which comes after
/// the end. Parsed by us and not by gRPC, which would answer UNIMPLEMENTED to bytes that are no message.
class Call final : public Reactor, private Exchange {
 public:
  Call(grpc::CallbackServerContext& context, const Pipelines& pipelines, Gate& gate, Observer& unplaced)
      : Exchange(origin_of(context), unplaced),
        context_(context),
        pipelines_(pipelines),
        gate_(gate),
        announced_(metadata(context, kPipelineKey)) {}

  void start() {
    const Status status = announced_ ? look({*announced_, {}}, 0, pipelines_) : Status();
    status.ok() ? StartRead(&request_) : turn_away(status);
  }

 private:
  // A call that is not there any more, or closes its side at once, has not been a request.
  void OnReadDone(bool ok) override {
    if (!ok) return Finish({grpc::StatusCode::INVALID_ARGUMENT, "the call brought no request"});
    pass_ = gate_.enter();
    Status status = pass_ ? look_at_head() : go_elsewhere();
    if (status.ok()) status = read(request_, pipelines_);
    if (status.ok()) status = admit();
    status.ok() ? queue() : turn_away(status);
  }

  Status look_at_head() {
    const std::optional<RequestHead> head = head_of(request_);
    if (!head) return {};  // read tells why
    if (announced_ && *announced_ != head->pipeline)
      return invalid_argument("metadata " + std::string(kPipelineKey) + " is \"" + announced_->substr(0, 64) +
                              "\", the request's pipeline another");
    return look(*head, request_.Length(), pipelines_);
  }

  void turn_away(const Status& status) {
    if (full()) {
      retry_after_ = pipeline()->retry_after();
      context_.AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(retry_after_.count()));
    }
    refuse(status);
  }

  bool cancelled() const override { return cancelled_; }
  void answered(const Answer& answer) override { context_.AddTrailingMetadata(kReceiptKey, receipt(answer)); }
  void finish(const Status& status, grpc::ByteBuffer response) override {
    if (!status.ok()) return Finish(full() ? with_retry_info(status, retry_after_) : grpc_status(status));
    response_.Swap(&response);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnCancel() override {
    cancelled_ = true;
    withdraw();
  }
  void OnDone() override { delete this; }

  grpc::CallbackServerContext& context_;
  const Pipelines& pipelines_;
  Gate& gate_;
  const std::optional<std::string> announced_;  // the pipeline, before the request says so
  grpc::ByteBuffer request_, response_;
  Gate::Pass pass_;
  std::chrono::milliseconds retry_after_{};  // full
  std::atomic<bool> cancelled_ = false;
};

constexpr int kReconstruct = 0;  // the first method of the service

}  // namespace

ReconstructService::ReconstructService(const Pipelines& pipelines, Gate& gate, Observer& unplaced,
                                       const StreamLimits& stream_limits)
    : pipelines_(pipelines), gate_(gate), unplaced_(unplaced), streams_(pipelines, unplaced, stream_limits) {
  MarkMethodStreamed(kReconstruct, nullptr);
  MarkMethodRawCallback(kReconstruct, new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                                          [this](grpc::CallbackServerContext* context) {
                                            auto* call = new Call(*context, pipelines_, gate_, unplaced_);
                                            call->start();
                                            return call;
                                          }));
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ReconstructService::ReconstructStream(
    grpc::CallbackServerContext* context) {
  return streams_.open(*context, gate_.enter());
}

grpc::ServerUnaryReactor* ReconstructService::ListPipelines(grpc::CallbackServerContext* context,
                                                            const v1::ListPipelinesRequest*,
                                                            v1::ListPipelinesResponse* response) {
  const Pipelines::Lease lease = pipelines_.current();
  for (const auto& pipeline : lease->all()) response->add_pipelines(pipeline->facts().name);
  return finish(*context, {});
}

grpc::ServerUnaryReactor* ReconstructService::DescribePipeline(grpc::CallbackServerContext* context,
                                                               const v1::DescribePipelineRequest* request,
                                                               v1::DescribePipelineResponse* response) {
  const Pipelines::Lease lease = pipelines_.current();
  const Result<Pipeline*> pipeline = lease->find(request->pipeline());
  if (!pipeline.ok()) return finish(*context, grpc_status(pipeline.status()));
  encode(**pipeline, *response);
  return finish(*context, {});
}

}  // namespace helix::server
