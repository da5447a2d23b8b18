#include "clients/bench/local_target.h"

#include "clients/cpp/channel.h"

#include <utility>

namespace helix::bench {

LocalTarget::LocalTarget(Reconstructor& reconstructor)
    : reconstructor_(reconstructor), thread_([this](const std::stop_token& stop) { loop(stop); }) {}

void LocalTarget::send(const Payload& payload, int, Clock::time_point deadline, std::stop_token stop,
                       std::function<void(Reply)> done) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({&payload, Clock::now(), deadline, std::move(stop), std::move(done)});
  changed_.notify_one();
}

void LocalTarget::loop(const std::stop_token& stop) {
  while (true) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
    const Call call = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    call.done(reply_of([&] { return reply(call); }));
  }
}

Reply LocalTarget::reply(const Call& call) {
  const Clock::time_point begun = Clock::now();
  if (call.stop.stop_requested()) return failure(grpc::StatusCode::CANCELLED, "cancelled before it began");
  if (begun >= call.deadline) return failure(grpc::StatusCode::DEADLINE_EXCEEDED, "its deadline passed in the queue");
  const Result<Reconstruction> answer = reconstructor_.reconstruct(call.payload->call);
  if (!answer.ok()) return failure(grpc_code(answer.status().code()), answer.status().message());
  Reply reply;
  reply.time = answer->time;
  reply.time.stages.clear();
  reply.time.queue = begun - call.sent;
  const std::string& right = call.payload->fingerprint;
  reply.differs = !right.empty() && fingerprint(*answer) != right;
  if (reply.differs) reply.error = "tracks or vertices differ from those of the first answer";
  return reply;
}

}  // namespace helix::bench
