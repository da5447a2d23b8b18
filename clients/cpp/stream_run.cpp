#include "clients/cpp/stream_run.h"

#include "clients/cpp/channel.h"
#include "clients/cpp/messages.h"

#include <charconv>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

namespace helix {
namespace {

using std::chrono::milliseconds;

/// A request that has no answer yet.
struct Pending {
  std::string request_id;          // the caller's; on the wire it is the number
  v1::ReconstructRequest request;  // kept to be sent again
};

std::optional<std::size_t> number_of(const std::string& id) {
  std::size_t number = 0;
  const char* end = id.data() + id.size();
  const auto parsed = std::from_chars(id.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

HitColumns shape_of(const v1::Hits& hits) {
  HitColumns shape;
  shape.x = {hits.x().data(), static_cast<std::size_t>(hits.x_size())};
  shape.event_offsets = {hits.event_offsets().data(), static_cast<std::size_t>(hits.event_offsets_size())};
  return shape;
}

/// All of one reconstruct_stream: attempts, each a call, until every request has its answer.
class StreamRun {
 public:
  StreamRun(const ClientOptions& options, const Client::NextCall& next, const Client::OnResult& done)
      : options_(options), next_(next), done_(done) {}

  /// One call, until it ends: how it ended.
  Status attempt(v1::Reconstruction::Stub& stub, const std::stop_token& stop) {
    grpc::ClientContext context;
    const std::stop_callback cancel(stop, [&] { context.TryCancel(); });
    const auto stream = stub.ReconstructStream(&context);
    progressed_ = timed_out_ = delivering_ = false;
    put_back_ = {};
    std::jthread watch([&](const std::stop_token& over) { cancel_when_stuck(context, over); });
    std::jthread writer([&] { write_all(*stream, context); });
    read_all(*stream, context);
    writer.join();
    watch.request_stop();
    watch.join();
    const grpc::Status status = stream->Finish();
    if (failure_) std::rethrow_exception(failure_);
    if (!broken_.ok()) return broken_;
    if (timed_out_)
      return {Code::deadline_exceeded, options_.address + ": no answer of the stream within " +
                                           std::to_string(options_.timeout.count()) + " ms"};
    return status.ok() && !complete() && !put_back_.ok() ? put_back_ : status_of(options_.address, status);
  }

  bool progressed() const { return progressed_; }
  bool complete() const { return exhausted_ && pending_.empty(); }
  std::size_t unanswered() const { return pending_.size(); }

 private:
  using Stream = grpc::ClientReaderWriter<v1::ReconstructRequest, v1::ReconstructResponse>;
  using Node = std::map<std::size_t, Pending>::node_type;

  void write_all(Stream& stream, grpc::ClientContext& context) {
    try {
      if (write_again(stream) && write_new(stream)) stream.WritesDone();
    } catch (...) {
      fail(context);
    }
  }

  bool write_again(Stream& stream) {
    std::size_t after = 0;
    for (;;) {
      const v1::ReconstructRequest* request = nullptr;
      {
        const std::scoped_lock lock(mutex_);
        const auto found = pending_.lower_bound(after);
        if (found == pending_.end()) return true;
        after = found->first + 1;
        writing_ = found->first;
        request = &found->second.request;
      }
      if (!write(stream, *request)) return false;
    }
  }

  bool write_new(Stream& stream) {
    while (!exhausted_) {
      std::optional<ReconstructCall> call = next_();
      if (!call) {
        const std::scoped_lock lock(mutex_);
        exhausted_ = true;
        break;
      }
      Pending pending{call->request_id, encode(*call)};
      pending.request.set_request_id(std::to_string(n_calls_));
      const v1::ReconstructRequest* request = nullptr;
      {
        const std::scoped_lock lock(mutex_);
        writing_ = n_calls_;
        if (pending_.empty()) last_progress_ = std::chrono::steady_clock::now();
        request = &pending_.emplace(n_calls_++, std::move(pending)).first->second.request;
      }
      if (!write(stream, *request)) return false;
    }
    return true;
  }

  /// The reader takes away what is answered, but nothing that is still being written.
  bool write(Stream& stream, const v1::ReconstructRequest& request) {
    const bool written = stream.Write(request);
    const std::scoped_lock lock(mutex_);
    writing_ = kNothing;
    written_.notify_all();
    return written;
  }

  void read_all(Stream& stream, grpc::ClientContext& context) {
    v1::ReconstructResponse answer;
    while (stream.Read(&answer)) {
      try {
        if (take(answer)) continue;
        context.TryCancel();
      } catch (...) {
        fail(context);
      }
      return;
    }
  }

  /// Whether it is the answer to a request that has none.
  bool take(const v1::ReconstructResponse& answer) {
    Node pending = extract(answer.request_id());
    if (pending.empty()) {
      broken_ =
          internal_error(options_.address + ": an answer to \"" + answer.request_id() + "\", which has not been asked");
      return false;
    }
    Result<Reconstruction> result = result_of(answer, pending.mapped());
    if (result.status().code() == Code::unavailable) {
      put_back(std::move(pending), result.status());
    } else {
      progressed_ = true;
      done_(pending.key(), std::move(result));
    }
    const std::scoped_lock lock(mutex_);
    delivering_ = false;
    last_progress_ = std::chrono::steady_clock::now();
    return true;
  }

  Node extract(const std::string& id) {
    const std::optional<std::size_t> number = number_of(id);
    if (!number) return {};
    std::unique_lock lock(mutex_);
    written_.wait(lock, [&] { return writing_ != *number; });
    delivering_ = true;
    return pending_.extract(*number);
  }

  /// For the next attempt: another server, or a device that is left, may take it.
  void put_back(Node pending, const Status& why) {
    const std::scoped_lock lock(mutex_);
    pending_.insert(std::move(pending));
    put_back_ = why;
  }

  Result<Reconstruction> result_of(const v1::ReconstructResponse& answer, const Pending& pending) const {
    if (answer.has_error())
      return status_of(options_.address,
                       {static_cast<grpc::StatusCode>(answer.error().code()), answer.error().message()});
    Result<Reconstruction> result = decode(answer, shape_of(pending.request.hits()));
    if (result.ok()) result->request_id = pending.request_id;
    return result;
  }

  /// What the caller's functions throw ends the call.
  void fail(grpc::ClientContext& context) {
    {
      const std::scoped_lock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    context.TryCancel();
  }

  /// The time counts for the server alone: not where nothing was asked, nor while the caller is at an answer.
  void cancel_when_stuck(grpc::ClientContext& context, const std::stop_token& over) {
    std::unique_lock lock(mutex_);
    last_progress_ = std::chrono::steady_clock::now();
    for (;;) {
      const auto limit = last_progress_ + options_.timeout;
      if (never_.wait_until(lock, over, limit, [] { return false; }) || over.stop_requested()) return;
      if (pending_.empty() || delivering_) last_progress_ = std::chrono::steady_clock::now();
      if (last_progress_ + options_.timeout > std::chrono::steady_clock::now()) continue;
      timed_out_ = true;
      context.TryCancel();
      return;
    }
  }

  static constexpr std::size_t kNothing = static_cast<std::size_t>(-1);

  const ClientOptions& options_;
  const Client::NextCall& next_;
  const Client::OnResult& done_;

  std::mutex mutex_;  // guards all below while an attempt is under way
  std::condition_variable written_;
  std::condition_variable_any never_;
  std::map<std::size_t, Pending> pending_;
  std::size_t n_calls_ = 0, writing_ = kNothing;
  std::chrono::steady_clock::time_point last_progress_;
  std::exception_ptr failure_;
  Status put_back_;  // why the last one was, in this attempt
  bool exhausted_ = false, timed_out_ = false, delivering_ = false;
  bool progressed_ = false;  // the reader's, as what follows
  Status broken_;
};

}  // namespace

Status run_stream(grpc::Channel& channel, v1::Reconstruction::Stub& stub, const ClientOptions& options,
                  const Client::NextCall& next, const Client::OnResult& done, const std::stop_token& stop) {
  StreamRun run(options, next, done);
  std::optional<RetryPolicy> retry;
  for (;;) {
    Status status = run.attempt(stub, stop);
    if (run.complete()) return {};
    if (stop.stop_requested()) return {Code::cancelled, "cancelled"};
    if (status.ok())
      return internal_error(options.address + ": the stream ended without " + std::to_string(run.unanswered()) +
                            " answers");
    if (status.code() == Code::cancelled) status = unavailable(status.message());  // by a server that ended
    if (!retry || run.progressed()) retry.emplace(options.retry, std::random_device{}());
    const auto pause = retry->next_wait(status.code(), {}, options.retry.budget);
    if (!pause) return status;
    if (!wait(channel, *pause, stop)) return {Code::cancelled, "cancelled while waiting to try again"};
  }
}

}  // namespace helix
