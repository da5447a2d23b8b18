#pragma once

#include "helix/v1/reconstruct.grpc.pb.h"
#include "server/batching/gate.h"
#include "server/pipelines.h"
#include "server/transport/stream.h"

namespace helix::server {

/// Bytes for calls with hits, messages for the others. Reconstruct is added by hand.
using ReconstructServiceBase =
    v1::Reconstruction::WithRawCallbackMethod_ReconstructStream<v1::Reconstruction::WithCallbackMethod_ListPipelines<
        v1::Reconstruction::WithCallbackMethod_DescribePipeline<v1::Reconstruction::Service>>>;

/// helix.v1.Reconstruction: decodes, validates and queues on gRPC's threads; lanes answer. Requests live on protobuf
/// arenas of their own, from the bytes to the answer.
class ReconstructService final : public ReconstructServiceBase {
 public:
  /// `unplaced` is told of requests that reach no pipeline.
  ReconstructService(const Pipelines& pipelines, Gate& gate, Observer& unplaced, const StreamLimits& stream_limits);

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ReconstructStream(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ListPipelines(grpc::CallbackServerContext* context, const v1::ListPipelinesRequest* request,
                                          v1::ListPipelinesResponse* response) override;
  grpc::ServerUnaryReactor* DescribePipeline(grpc::CallbackServerContext* context,
                                             const v1::DescribePipelineRequest* request,
                                             v1::DescribePipelineResponse* response) override;

  /// Streams read no more, answer what they have read, and end.
  void drain_streams() { streams_.drain(); }

 private:
  const Pipelines& pipelines_;
  Gate& gate_;
  Observer& unplaced_;
  Streams streams_;
};

}  // namespace helix::server
