#pragma once

#include "helix/v1/reconstruct.pb.h"
#include "server/batching/request.h"
#include "server/observe/observer.h"
#include "server/pipelines.h"
#include "server/transport/client_facts.h"
#include "server/transport/request_head.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace helix::server {

/// Where a request comes from.
struct Origin {
  Result<RequestFacts> client;  // name, priority and deadline; or why its requests are refused
  std::string peer;             // for the log
  std::string traceparent;  // of the client's trace, to find its lines in the log; "-": none, or not in W3C's format
};

/// gRPC's deadline is wall-clock time; ours is not moved by a clock that is set.
Origin origin_of(const grpc::CallbackServerContext& context);

/// One request, from its bytes to those of its answer: decodes, validates, queues, encodes. What a unary call and a
/// stream have in common. The request lives on a protobuf arena of its own, which goes before the answer is sent.
class Exchange : public Caller {
 public:
  /// `unplaced` is told of the end where no pipeline was reached.
  Exchange(Origin origin, Observer& unplaced);
  ~Exchange() override = default;

  /// Before any work: whether there is a place for such a request, of so many bytes or more.
  /// errors: resource_exhausted, `full`
  Status look(const RequestHead& head, std::size_t bytes, const Pipelines& pipelines);

  /// Takes the bytes, which are gone afterwards: a request that waits is held in memory once.
  /// errors: invalid_argument, not_found, resource_exhausted (over a limit)
  Status read(grpc::ByteBuffer& bytes, const Pipelines& pipelines);

  /// A place in the budget. errors: resource_exhausted, `full` where it passes when others are done; then `when_room`
  /// is called once, see Admission
  Status admit(std::function<void()> when_room = {});
  bool full() const { return full_; }

  /// Takes the request out of the queue if it still waits there, and ends it: its client has gone. By another thread
  /// at any time, once `cancelled` says so.
  void withdraw();

  /// Hands an admitted request to its pipeline. This object may be gone when it returns.
  void queue();

  void answer(const Answer& answer, const Ended& ended) final;
  void refuse(const Status& status) final;

  const std::string& request_id() const { return request_id_; }
  /// Null until the request is read so far.
  Pipeline* pipeline() const { return pipeline_; }

 protected:
  /// Called before the end that is an answer.
  virtual void answered(const Answer&) {}
  /// The end, called once: the bytes of a ReconstructResponse, or why there is none. May delete this object.
  virtual void finish(const Status& status, grpc::ByteBuffer response) = 0;

 private:
  Status find_room(const RequestHead& head, std::size_t bytes, const Pipelines& pipelines);
  Status parse(grpc::ByteBuffer& bytes);
  Status check(const Pipelines& pipelines);
  Status check_priority() const;
  std::unique_ptr<Request> make_request();
  int priority() const;
  void forget_request();
  void observe(Code code, std::chrono::nanoseconds queue);
  void log_refusal(const Status& status);

  Clock::time_point arrived_;
  const Origin origin_;
  Observer* observer_;  // of the pipeline, once that is known
  std::shared_ptr<google::protobuf::Arena> arena_;
  v1::ReconstructRequest* request_ = nullptr;  // on the arena
  std::string request_id_;
  std::uint32_t min_quality_ = 0;
  Index n_hits_ = 0;
  Pipelines::Lease lease_;
  Pipeline* pipeline_ = nullptr;  // of the lease
  HitBatch hits_;                 // over the request
  Ticket ticket_;
  bool full_ = false;
  std::atomic<std::uint64_t> id_ = 0;  // of the request in the queue, or on its way there
};

/// The bytes of a message. errors: internal
Result<grpc::ByteBuffer> serialize(const v1::ReconstructResponse& message);

}  // namespace helix::server
