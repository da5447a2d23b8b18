#include "server/transport/exchange.h"

#include "server/observe/log.h"
#include "server/observe/traceparent.h"
#include "server/transport/decode.h"
#include "server/transport/encode.h"
#include "server/transport/grpc_status.h"

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <exception>

namespace helix::server {
namespace {

using google::protobuf::Arena;

constexpr std::uint32_t kBestQuality = static_cast<std::uint32_t>(Quality::tight);

google::protobuf::ArenaOptions arena_options() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 16 << 10;
  options.max_block_size = 1 << 20;
  return options;
}

/// What a step says, or why it threw.
template <class Step>
Status guarded(Step step) {
  try {
    return step();
  } catch (const std::bad_alloc&) {
    return resource_exhausted("the machine has no memory for this request");
  } catch (const std::exception& error) {
    return internal_error(error.what());
  }
}

Clock::time_point steady_deadline(const grpc::CallbackServerContext& context) {
  const auto left = context.deadline() - std::chrono::system_clock::now();
  constexpr auto never = std::chrono::hours(24 * 365);
  return left > never ? Clock::time_point::max() : Clock::now() + std::chrono::duration_cast<Clock::duration>(left);
}

std::string traceparent_of(const grpc::CallbackServerContext& context) {
  const std::optional<std::string> text = metadata(context, "traceparent");
  return text && is_traceparent(*text) ? *text : "-";
}

}  // namespace

Origin origin_of(const grpc::CallbackServerContext& context) {
  Result<RequestFacts> client = client_facts(context);
  if (client.ok()) client->deadline = steady_deadline(context);
  return {std::move(client), context.peer(), traceparent_of(context)};
}

Result<grpc::ByteBuffer> serialize(const v1::ReconstructResponse& message) {
  grpc::ByteBuffer bytes;
  bool own_buffer = false;
  const grpc::Status written =
      grpc::SerializationTraits<v1::ReconstructResponse>::Serialize(message, &bytes, &own_buffer);
  if (!written.ok()) return internal_error(written.error_message());
  return bytes;
}

Exchange::Exchange(Origin origin, Observer& unplaced)
    : arrived_(Clock::now()), origin_(std::move(origin)), observer_(&unplaced) {}

Status Exchange::look(const RequestHead& head, std::size_t bytes, const Pipelines& pipelines) {
  if (!origin_.client.ok()) return {};  // read tells why
  return guarded([&] { return find_room(head, bytes, pipelines); });
}

Status Exchange::find_room(const RequestHead& head, std::size_t bytes, const Pipelines& pipelines) {
  const Pipelines::Lease lease = pipelines.current();
  const Result<Pipeline*> pipeline = lease->find(head.pipeline);
  if (!pipeline.ok()) return {};
  const Applicant applicant{origin_.client->client, head.priority.value_or(origin_.client->priority), bytes};
  if (applicant.priority >= kPriorities || !(*pipeline)->admission().fits_alone(applicant.bytes).ok()) return {};
  Status status = (*pipeline)->has_room(applicant);
  full_ = !status.ok();
  if (full_) lease_ = lease, pipeline_ = *pipeline, observer_ = &pipeline_->observer();
  return status;
}

Status Exchange::read(grpc::ByteBuffer& bytes, const Pipelines& pipelines) {
  arrived_ = Clock::now();
  return guarded([&] {
    Status status = parse(bytes);
    return status.ok() ? check(pipelines) : status;
  });
}

Status Exchange::parse(grpc::ByteBuffer& bytes) {
  arena_ = std::make_shared<Arena>(arena_options());
  request_ = Arena::CreateMessage<v1::ReconstructRequest>(arena_.get());
  grpc::ProtoBufferReader reader(&bytes);
  const bool parsed = reader.status().ok() && request_->ParseFromZeroCopyStream(&reader);
  bytes.Clear();
  if (!parsed) return invalid_argument("the bytes are no helix.v1.ReconstructRequest");
  request_id_ = request_->request_id();
  min_quality_ = request_->min_quality();
  n_hits_ = request_->hits().x_size();
  return {};
}

Status Exchange::check(const Pipelines& pipelines) {
  lease_ = pipelines.current();
  const Result<Pipeline*> pipeline = lease_->find(request_->pipeline());
  if (!pipeline.ok()) return pipeline.status();
  pipeline_ = *pipeline;
  observer_ = &pipeline_->observer();
  if (min_quality_ > kBestQuality)
    return invalid_argument("min_quality is " + std::to_string(min_quality_) + ", largest is " +
                            std::to_string(kBestQuality));
  if (Status status = check_priority(); !status.ok()) return status;
  const PipelineFacts& facts = pipeline_->facts();
  const Result<HitBatch> hits = decode(request_->hits(), pipeline_->detector(), facts.beam_spot, facts.limits, *arena_);
  if (!hits.ok()) return hits.status();
  hits_ = *hits;
  return facts.columns_needed_by.empty() ? Status() : check_present(hits_, facts.columns, facts.columns_needed_by);
}

Status Exchange::check_priority() const {
  if (!origin_.client.ok()) return origin_.client.status();
  if (request_->priority() < kPriorities) return {};
  return invalid_argument("priority is " + std::to_string(request_->priority()) + ", largest is " +
                          std::to_string(kPriorities - 1));
}

Status Exchange::admit(std::function<void()> when_room) {
  const Applicant applicant{origin_.client->client, priority(), arena_->SpaceAllocated()};
  if (const Status status = pipeline_->admission().fits_alone(applicant.bytes); !status.ok()) return status;
  Result<Ticket> ticket = pipeline_->admit(applicant, std::move(when_room));
  full_ = !ticket.ok();
  if (full_) return ticket.status();
  ticket_ = *std::move(ticket);
  return {};
}

int Exchange::priority() const {
  if (request_ != nullptr && request_->has_priority() && request_->priority() < kPriorities)
    return static_cast<int>(request_->priority());
  return origin_.client.ok() ? origin_.client->priority : kNormal;
}

std::unique_ptr<Request> Exchange::make_request() {
  RequestFacts facts = *origin_.client;
  facts.arrived = arrived_;
  facts.bytes = ticket_.bytes();
  facts.priority = priority();
  auto request = std::make_unique<Request>(hits_, std::move(facts), *this, std::move(ticket_), arena_);
  id_ = request->id();
  return request;
}

void Exchange::queue() {
  const Pipelines::Lease lease = lease_;  // the pipeline outlives this function, this object may not
  std::unique_ptr<Request> request;
  const Status status = guarded([&] {
    request = make_request();
    return pipeline_->queue().push(request);
  });
  if (status.ok()) return;
  request ? request->refuse(status) : refuse(status);
}

// Either the queue hears from cancelled that nobody waits, or the id is here.
void Exchange::withdraw() {
  const std::uint64_t id = id_;
  if (id == 0) return;
  const Pipelines::Lease lease = lease_;  // as in queue
  pipeline_->queue().cancel(id);
}

void Exchange::answer(const Answer& answer, const Ended& ended) {
  grpc::ByteBuffer response;
  const Status status = guarded([&] {
    Arena arena(arena_options());
    auto& message = *Arena::CreateMessage<v1::ReconstructResponse>(&arena);
    message.set_request_id(request_id_);
    encode(answer, *pipeline_, min_quality_, message);
    Result<grpc::ByteBuffer> bytes = serialize(message);
    if (!bytes.ok()) return bytes.status();
    response = *std::move(bytes);
    answered(answer);
    return Status();
  });
  ended(status.code());
  if (!status.ok()) return refuse(status);
  observe(Code::ok, answer.queue);
  forget_request();
  finish(status, response);
}

void Exchange::refuse(const Status& status) {
  log_refusal(status);
  observe(status.code(), {});
  forget_request();
  finish(status, {});
}

// Nothing of the request waits for a slow client to read its answer.
void Exchange::forget_request() {
  arena_.reset();
  request_ = nullptr;
}

void Exchange::observe(Code code, std::chrono::nanoseconds queue) {
  const std::chrono::nanoseconds total = Clock::now() - arrived_;
  observer_->request({.priority = priority(),
                      .code = code,
                      .rejected = full_ && code == Code::resource_exhausted,
                      .queue = queue,
                      .total = total});
  if (log::enabled(log::Level::debug))
    log::debug("request.done", {{"client", origin_.peer},
                                {"traceparent", origin_.traceparent},
                                {"code", static_cast<int>(grpc_code(code))},
                                {"us", std::chrono::duration_cast<std::chrono::microseconds>(total).count()}});
}

void Exchange::log_refusal(const Status& status) {
  const bool ours = status.code() == Code::internal;
  log::write_limited(ours ? log::Level::error : log::Level::info, "request.refused",
                     {{"client", origin_.peer},
                      {"traceparent", origin_.traceparent},
                      {"hits", n_hits_},
                      {"code", static_cast<int>(grpc_code(status.code()))},
                      {"error", status.message()}});
}

}  // namespace helix::server
