#include "server/transport/reconstruct_service.h"

#include "server/observe/log.h"
#include "server/transport/client_facts.h"
#include "server/transport/decode.h"
#include "server/transport/encode.h"
#include "server/transport/grpc_status.h"
#include "server/transport/retry_info.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include <atomic>
#include <exception>
#include <optional>

namespace helix::server {
namespace {

constexpr std::uint32_t kBestQuality = static_cast<std::uint32_t>(Quality::tight);

google::protobuf::ArenaOptions arena_options() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 16 << 10;
  options.max_block_size = 1 << 20;
  return options;
}

/// gRPC's deadline is wall-clock time; ours is not moved by a clock that is set.
Clock::time_point steady_deadline(const grpc::CallbackServerContext& context, Clock::time_point now) {
  const auto left = context.deadline() - std::chrono::system_clock::now();
  constexpr auto never = std::chrono::hours(24 * 365);
  return left > never ? Clock::time_point::max() : now + std::chrono::duration_cast<Clock::duration>(left);
}

/// One call of Reconstruct, from its first byte to its last. Owned by gRPC: goes away with OnDone, which comes after
/// answer or refuse. Parsed here and not by gRPC, which would answer UNIMPLEMENTED to bytes that are no message.
class Call final : public grpc::ServerUnaryReactor, public Caller {
 public:
  Call(grpc::CallbackServerContext& context, grpc::ByteBuffer& response)
      : context_(context), response_(response), arrived_(Clock::now()) {}

  /// Takes the bytes. May end with the call gone, as any step that finishes it.
  void start(grpc::ByteBuffer& bytes, const PipelineTable& pipelines, Gate& gate) {
    pass_ = gate.enter();
    const Status status = pass_ ? submit_guarded(bytes, pipelines) : unavailable("server is draining: go elsewhere");
    if (!status.ok()) refuse(status);
  }

  bool cancelled() const override { return cancelled_; }

  void answer(const Answer& answer) override {
    const Status status = write_guarded(answer);
    if (!status.ok()) return refuse(status);
    arena_.reset();  // nothing of the request waits for a slow client to read its answer
    Finish(grpc::Status());
  }

  void refuse(const Status& status) override {
    log_refusal(status);
    arena_.reset();
    Finish(retry_after_ ? with_retry_info(status, *retry_after_) : grpc_status(status));
  }

 private:
  // After start, as gRPC knows the call only then.
  void OnCancel() override {
    cancelled_ = true;
    if (id_ != 0) pipeline_->queue().cancel(id_);
  }
  void OnDone() override { delete this; }

  Status write_guarded(const Answer& answer) {
    try {
      google::protobuf::Arena arena(arena_options());
      auto& message = *google::protobuf::Arena::CreateMessage<v1::ReconstructResponse>(&arena);
      message.set_request_id(request_->request_id());
      encode(answer, *pipeline_, request_->min_quality(), message);
      bool own_buffer = false;
      const grpc::Status written =
          grpc::SerializationTraits<v1::ReconstructResponse>::Serialize(message, &response_, &own_buffer);
      return written.ok() ? Status() : internal_error(written.error_message());
    } catch (const std::exception& error) {
      return internal_error(error.what());
    }
  }

  Status submit_guarded(grpc::ByteBuffer& bytes, const PipelineTable& pipelines) {
    try {
      return submit(bytes, pipelines);
    } catch (const std::bad_alloc&) {
      return resource_exhausted("the machine has no memory for this request");
    } catch (const std::exception& error) {
      return internal_error(error.what());
    }
  }

  /// Ok: the queue has the request and finishes it, perhaps already did: nothing of this call may be touched.
  Status submit(grpc::ByteBuffer& bytes, const PipelineTable& pipelines) {
    if (const Status status = parse(bytes); !status.ok()) return status;
    const Result<Pipeline*> pipeline = pipelines.find(request_->pipeline());
    if (!pipeline.ok()) return pipeline.status();
    pipeline_ = *pipeline;
    if (request_->min_quality() > kBestQuality)
      return invalid_argument("min_quality is " + std::to_string(request_->min_quality()) + ", largest is " +
                              std::to_string(kBestQuality));
    const PipelineFacts& facts = pipeline_->facts();
    const Result<HitBatch> hits =
        decode(request_->hits(), pipeline_->detector(), facts.beam_spot, facts.limits, *arena_);
    if (!hits.ok()) return hits.status();
    if (!facts.columns_needed_by.empty())
      if (const Status status = check_present(*hits, facts.columns, facts.columns_needed_by); !status.ok())
        return status;
    Result<RequestFacts> facts_of_client = client_facts(context_, *request_);
    if (!facts_of_client.ok()) return facts_of_client.status();
    Result<Ticket> ticket = admit(arena_->SpaceAllocated());
    if (!ticket.ok()) return ticket.status();
    return push(*hits, *std::move(facts_of_client), *std::move(ticket));
  }

  /// The bytes are gone afterwards: a request that waits is held in memory once.
  Status parse(grpc::ByteBuffer& bytes) {
    arena_ = std::make_shared<google::protobuf::Arena>(arena_options());
    request_ = google::protobuf::Arena::CreateMessage<v1::ReconstructRequest>(arena_.get());
    grpc::ProtoBufferReader reader(&bytes);
    const bool parsed = reader.status().ok() && request_->ParseFromZeroCopyStream(&reader);
    bytes.Clear();
    return parsed ? Status() : invalid_argument("the bytes are no helix.v1.ReconstructRequest");
  }

  Status push(const HitBatch& hits, RequestFacts facts, Ticket ticket) {
    facts.arrived = arrived_;
    facts.deadline = steady_deadline(context_, arrived_);
    facts.bytes = arena_->SpaceAllocated();
    auto request = std::make_unique<Request>(hits, std::move(facts), *this, std::move(ticket), arena_);
    id_ = request->id();
    const Status status = pipeline_->queue().push(request);
    if (!status.ok()) request->refuse(status);
    return {};
  }

  Result<Ticket> admit(std::size_t bytes) {
    if (const Status status = pipeline_->admission().fits_alone(bytes); !status.ok()) return status;
    Result<Ticket> ticket = pipeline_->admit(bytes);
    if (ticket.ok()) return ticket;
    retry_after_ = pipeline_->retry_after();
    context_.AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(retry_after_->count()));
    return ticket;
  }

  void log_refusal(const Status& status) {
    const bool ours = status.code() == Code::internal;
    log::write_limited(ours ? log::Level::error : log::Level::info, "request.refused",
                       {{"client", context_.peer()},
                        {"hits", request_ != nullptr ? request_->hits().x_size() : 0},
                        {"code", static_cast<int>(grpc_code(status.code()))},
                        {"error", status.message()}});
  }

  grpc::CallbackServerContext& context_;
  grpc::ByteBuffer& response_;
  const Clock::time_point arrived_;
  std::shared_ptr<google::protobuf::Arena> arena_;
  v1::ReconstructRequest* request_ = nullptr;  // on the arena
  Pipeline* pipeline_ = nullptr;
  std::uint64_t id_ = 0;  // of the request that may wait in the queue
  std::optional<std::chrono::milliseconds> retry_after_;
  Gate::Pass pass_;
  std::atomic<bool> cancelled_ = false;
};

grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext& context, const Status& status) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(grpc_status(status));
  return reactor;
}

}  // namespace

Result<Pipeline*> PipelineTable::find(const std::string& name) const {
  std::string known;
  for (const auto& pipeline : pipelines_) {
    const std::string& full = pipeline->facts().name;
    if (full == name || full.substr(0, full.find('/')) == name) return pipeline.get();
    known += (known.empty() ? "" : ", ") + pipeline->facts().name;
  }
  return not_found("no pipeline \"" + name.substr(0, 64) + "\"; there is " + known);
}

// gRPC lends the bytes for the length of the call; nobody else reads them.
grpc::ServerUnaryReactor* ReconstructService::Reconstruct(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
  auto* call = new Call(*context, *response);
  call->start(const_cast<grpc::ByteBuffer&>(*request), pipelines_, gate_);
  return call;
}

grpc::ServerUnaryReactor* ReconstructService::ListPipelines(grpc::CallbackServerContext* context,
                                                            const v1::ListPipelinesRequest*,
                                                            v1::ListPipelinesResponse* response) {
  for (const auto& pipeline : pipelines_.all()) response->add_pipelines(pipeline->facts().name);
  return finish(*context, {});
}

grpc::ServerUnaryReactor* ReconstructService::DescribePipeline(grpc::CallbackServerContext* context,
                                                               const v1::DescribePipelineRequest* request,
                                                               v1::DescribePipelineResponse* response) {
  const Result<Pipeline*> pipeline = pipelines_.find(request->pipeline());
  if (!pipeline.ok()) return finish(*context, pipeline.status());
  encode(**pipeline, *response);
  return finish(*context, {});
}

}  // namespace helix::server
