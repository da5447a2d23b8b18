#pragma once

#include "helix/v1/reconstruct.grpc.pb.h"
#include "server/batching/gate.h"
#include "server/pipeline.h"

#include <memory>
#include <string>
#include <vector>

namespace helix::server {

/// Pipelines in service, by name. Fixed while the server runs.
class PipelineTable {
 public:
  void add(std::unique_ptr<Pipeline> pipeline) { pipelines_.push_back(std::move(pipeline)); }
  const std::vector<std::unique_ptr<Pipeline>>& all() const { return pipelines_; }
  /// By its name, or the part before '/', which means the first of that kind.
  /// errors: not_found, which lists those there are
  Result<Pipeline*> find(const std::string& name) const;

 private:
  std::vector<std::unique_ptr<Pipeline>> pipelines_;
};

/// helix.v1.Reconstruction: decodes, validates and queues on gRPC's threads; lanes answer. Requests live on protobuf
/// arenas of their own, from the bytes to the answer.
class ReconstructService final
    : public v1::Reconstruction::WithRawCallbackMethod_Reconstruct<v1::Reconstruction::CallbackService> {
 public:
  /// `unplaced` is told of requests that reach no pipeline.
  ReconstructService(const PipelineTable& pipelines, Gate& gate, Observer& unplaced = no_observer())
      : pipelines_(pipelines), gate_(gate), unplaced_(unplaced) {}

  grpc::ServerUnaryReactor* Reconstruct(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListPipelines(grpc::CallbackServerContext* context, const v1::ListPipelinesRequest* request,
                                          v1::ListPipelinesResponse* response) override;
  grpc::ServerUnaryReactor* DescribePipeline(grpc::CallbackServerContext* context,
                                             const v1::DescribePipelineRequest* request,
                                             v1::DescribePipelineResponse* response) override;

 private:
  const PipelineTable& pipelines_;
  Gate& gate_;
  Observer& unplaced_;
};

}  // namespace helix::server
