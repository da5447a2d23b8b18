#include "server/transport/reconstruct_service.h"

#include "server/observe/log.h"
#include "server/observe/traceparent.h"
#include "server/transport/decode.h"
#include "server/transport/encode.h"
#include "server/transport/grpc_status.h"
#include "server/transport/receipt.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include <atomic>
#include <exception>

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
  Call(grpc::CallbackServerContext& context, grpc::ByteBuffer& response, Observer& unplaced)
      : context_(context), response_(response), observer_(&unplaced), arrived_(Clock::now()) {}

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
    observe(Code::ok, answer.queue);
    arena_.reset();  // nothing of the request waits for a slow client to read its answer
    Finish(grpc::Status());
  }

  void refuse(const Status& status) override {
    log_refusal(status);
    observe(status.code(), {});
    arena_.reset();
    Finish(grpc_status(status));
  }

 private:
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

  void observe(Code code, std::chrono::nanoseconds queue) {
    const std::chrono::nanoseconds total = Clock::now() - arrived_;
    observer_->request({.code = code, .rejected = rejected_, .queue = queue, .total = total});
    if (log::enabled(log::Level::debug))
      log::debug("request.done", {{"client", context_.peer()},
                                  {"traceparent", traceparent()},
                                  {"code", static_cast<int>(grpc_code(code))},
                                  {"us", std::chrono::duration_cast<std::chrono::microseconds>(total).count()}});
  }

  /// Of the client's trace, to find its lines in the log; "-": none, or not in W3C's format.
  std::string traceparent() const {
    const auto found = context_.client_metadata().find("traceparent");
    if (found == context_.client_metadata().end()) return "-";
    const std::string_view text(found->second.data(), found->second.size());
    return is_traceparent(text) ? std::string(text) : "-";
  }

  Status write_guarded(const Answer& answer) {
    try {
      google::protobuf::Arena arena(arena_options());
      auto& message = *google::protobuf::Arena::CreateMessage<v1::ReconstructResponse>(&arena);
      message.set_request_id(request_->request_id());
      encode(answer, *pipeline_, request_->min_quality(), message);
      bool own_buffer = false;
      const grpc::Status written =
          grpc::SerializationTraits<v1::ReconstructResponse>::Serialize(message, &response_, &own_buffer);
      if (!written.ok()) return internal_error(written.error_message());
      context_.AddTrailingMetadata(kReceiptKey, receipt(answer));
      return {};
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
    observer_ = &pipeline_->observer();
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
    Result<Ticket> ticket = admit(arena_->SpaceAllocated());
    if (!ticket.ok()) return ticket.status();
    return push(*hits, *std::move(ticket));
  }

  /// The bytes are gone afterwards: a request that waits is held in memory once.
  Status parse(grpc::ByteBuffer& bytes) {
    arena_ = std::make_unique<google::protobuf::Arena>(arena_options());
    request_ = google::protobuf::Arena::CreateMessage<v1::ReconstructRequest>(arena_.get());
    grpc::ProtoBufferReader reader(&bytes);
    const bool parsed = reader.status().ok() && request_->ParseFromZeroCopyStream(&reader);
    bytes.Clear();
    return parsed ? Status() : invalid_argument("the bytes are no helix.v1.ReconstructRequest");
  }

  Status push(const HitBatch& hits, Ticket ticket) {
    const Clock::time_point deadline = steady_deadline(context_, arrived_);
    auto request = std::make_unique<Request>(hits, arrived_, deadline, *this, std::move(ticket));
    const Status status = pipeline_->queue().push(request);
    if (!status.ok()) request->refuse(status);
    return {};
  }

  Result<Ticket> admit(std::size_t bytes) {
    if (const Status status = pipeline_->admission().fits_alone(bytes); !status.ok()) return status;
    Result<Ticket> ticket = pipeline_->admit(bytes);
    rejected_ = !ticket.ok();
    if (rejected_)
      context_.AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(pipeline_->facts().retry_after.count()));
    return ticket;
  }

  void log_refusal(const Status& status) {
    const bool ours = status.code() == Code::internal;
    log::write_limited(ours ? log::Level::error : log::Level::info, "request.refused",
                       {{"client", context_.peer()},
                        {"traceparent", traceparent()},
                        {"hits", request_ != nullptr ? request_->hits().x_size() : 0},
                        {"code", static_cast<int>(grpc_code(status.code()))},
                        {"error", status.message()}});
  }

  grpc::CallbackServerContext& context_;
  grpc::ByteBuffer& response_;
  Observer* observer_;  // of the pipeline, once that is known
  bool rejected_ = false;
  const Clock::time_point arrived_;
  std::unique_ptr<google::protobuf::Arena> arena_;
  v1::ReconstructRequest* request_ = nullptr;  // on the arena
  Pipeline* pipeline_ = nullptr;
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
  auto* call = new Call(*context, *response, unplaced_);
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
