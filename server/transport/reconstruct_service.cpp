#include "server/transport/reconstruct_service.h"

#include "server/transport/encode.h"
#include "server/transport/exchange.h"
#include "server/transport/finish.h"
#include "server/transport/grpc_status.h"
#include "server/transport/receipt.h"
#include "server/transport/retry_info.h"

#include <atomic>

namespace helix::server {
namespace {

/// One call of Reconstruct, from its first byte to its last. Owned by gRPC: goes away with OnDone, which comes after
/// the end. Parsed by us and not by gRPC, which would answer UNIMPLEMENTED to bytes that are no message.
class Call final : public grpc::ServerUnaryReactor, private Exchange {
 public:
  Call(grpc::CallbackServerContext& context, grpc::ByteBuffer& response, Observer& unplaced)
      : Exchange(origin_of(context), unplaced), context_(context), response_(response) {}

  /// Takes the bytes. May end with the call finished, as any step that finishes it.
  void start(grpc::ByteBuffer& bytes, const Pipelines& pipelines, Gate& gate) {
    pass_ = gate.enter();
    Status status = pass_ ? look(bytes, pipelines) : go_elsewhere();
    if (status.ok()) status = read(bytes, pipelines);
    if (status.ok()) status = admit();
    if (full()) {
      retry_after_ = pipeline()->retry_after();
      context_.AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(retry_after_.count()));
    }
    status.ok() ? queue() : refuse(status);
  }

 private:
  bool cancelled() const override { return cancelled_; }
  void answered(const Answer& answer) override { context_.AddTrailingMetadata(kReceiptKey, receipt(answer)); }
  void finish(const Status& status, grpc::ByteBuffer response) override {
    response_.Swap(&response);
    Finish(full() ? with_retry_info(status, retry_after_) : grpc_status(status));
  }
  // gRPC knows the call, and cancels it, only after start.
  void OnCancel() override {
    cancelled_ = true;
    withdraw();
  }
  void OnDone() override { delete this; }

  grpc::CallbackServerContext& context_;
  grpc::ByteBuffer& response_;
  Gate::Pass pass_;
  std::chrono::milliseconds retry_after_{};  // full
  std::atomic<bool> cancelled_ = false;
};

}  // namespace

// gRPC lends the bytes for the length of the call; nobody else reads them.
grpc::ServerUnaryReactor* ReconstructService::Reconstruct(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
  auto* call = new Call(*context, *response, unplaced_);
  call->start(const_cast<grpc::ByteBuffer&>(*request), pipelines_, gate_);
  return call;
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
