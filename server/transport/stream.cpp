#include "server/transport/stream.h"

#include "server/transport/exchange.h"
#include "server/transport/grpc_status.h"

#include <atomic>
#include <deque>

namespace helix::server {
namespace {

grpc::ByteBuffer error_response(const std::string& request_id, const Status& status) {
  v1::ReconstructResponse message;
  message.set_request_id(request_id);
  message.mutable_error()->set_code(grpc_code(status.code()));
  message.mutable_error()->set_message(status.message());
  Result<grpc::ByteBuffer> bytes = serialize(message);
  return bytes.ok() ? *std::move(bytes) : grpc::ByteBuffer(nullptr, 0);
}

}  // namespace

/// One call. Requests are read and handed over one at a time; when there is no room for the one read last, it is
/// parked, and that is what stops the reading. Kept by `open_` until OnDone, and by whoever else is at it.
class Streams::Stream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                              public std::enable_shared_from_this<Stream> {
 public:
  Stream(Streams& streams, grpc::CallbackServerContext& context, Gate::Pass pass)
      : streams_(streams), origin_(origin_of(context)), pass_(std::move(pass)) {}

  void start(bool draining) {
    const std::scoped_lock lock(mutex_);
    draining_ = draining;
    proceed();
  }

  void drain() {
    const std::scoped_lock lock(mutex_);
    draining_ = true;
    proceed();
  }

 private:
  class Item final : public Exchange {
   public:
    explicit Item(std::shared_ptr<Stream> stream)
        : Exchange(stream->origin_, stream->streams_.unplaced_), stream_(std::move(stream)) {}
    bool cancelled() const override { return stream_->cancelled_; }

   private:
    void finish(const Status& status, grpc::ByteBuffer response) override {
      stream_->done(status.ok() ? response : error_response(request_id(), status));
      delete this;
    }
    const std::shared_ptr<Stream> stream_;
  };

  void OnReadDone(bool ok) override {
    {
      const std::scoped_lock lock(mutex_);
      if (ok) ++under_way_;
      half_closed_ = !ok;
      if (!ok || finished_) {
        reading_ = false;
        return proceed();
      }
    }
    auto item = std::make_unique<Item>(shared_from_this());
    const Status status = item->read(incoming_, streams_.pipelines_);
    if (status.ok()) return hand_over(std::move(item));
    item.release()->refuse(status);
    read_on();
  }

  /// Queues the request, or parks it until there is room.
  void hand_over(std::unique_ptr<Item> item) {
    Status status;
    for (;;) {
      forget_room();
      status = item->admit([stream = weak_from_this()] {
        if (const auto still_there = stream.lock()) still_there->room();
      });
      if (!item->full()) break;
      const std::scoped_lock lock(mutex_);
      if (cancelled_) break;
      if (room_) continue;
      parked_ = std::move(item);
      return;
    }
    // Finishes, and deletes, itself.
    Item* given = item.release();
    status.ok() ? given->queue() : given->refuse(status);
    read_on();
  }

  void forget_room() {
    const std::scoped_lock lock(mutex_);
    room_ = false;
  }

  /// There may be room for what is parked, or for what is about to be.
  void room() {
    std::unique_ptr<Item> item;
    {
      const std::scoped_lock lock(mutex_);
      room_ = true;
      item = std::move(parked_);
    }
    if (item) hand_over(std::move(item));
  }

  void read_on() {
    const std::scoped_lock lock(mutex_);
    reading_ = false;
    proceed();
  }

  void done(grpc::ByteBuffer response) {
    const std::scoped_lock lock(mutex_);
    --under_way_;
    unsent_bytes_ += response.Length();
    outbox_.push_back(std::move(response));
    proceed();
  }

  void OnWriteDone(bool ok) override {
    const std::scoped_lock lock(mutex_);
    writing_ = false;
    if (!ok) cancelled_ = true;
    unsent_bytes_ -= outbox_.front().Length();
    outbox_.pop_front();
    proceed();
  }

  void OnCancel() override {
    std::unique_ptr<Item> parked;
    {
      const std::scoped_lock lock(mutex_);
      cancelled_ = true;
      parked = std::move(parked_);
    }
    if (parked) parked.release()->refuse({Code::cancelled, "cancelled by the client"});
    for (const auto& pipeline : streams_.pipelines_.current()->all()) pipeline->queue().drop_unwanted();
    const std::scoped_lock lock(mutex_);
    proceed();
  }

  void OnDone() override {
    pass_ = {};
    streams_.forget(this);
  }

  // gRPC runs no reaction inside of StartRead, StartWrite and Finish, so that they may be called under the lock.
  void proceed() {
    if (finished_) return;
    if (!writing_ && !cancelled_ && !outbox_.empty()) {
      writing_ = true;
      StartWrite(&outbox_.front());
    }
    if (may_read()) {
      reading_ = true;
      StartRead(&incoming_);
    }
    if (over()) {
      finished_ = true;
      Finish(end());
    }
  }

  bool may_read() const {
    const std::size_t in_flight = under_way_ + outbox_.size();
    return !reading_ && !half_closed_ && !draining_ && !cancelled_ && pass_ &&
           in_flight < static_cast<std::size_t>(streams_.limits_.max_in_flight) &&
           unsent_bytes_ < streams_.limits_.max_unsent_bytes;
  }

  bool over() const {
    if (under_way_ > 0 || writing_) return false;
    return cancelled_ || ((half_closed_ || draining_) && outbox_.empty());
  }

  grpc::Status end() const {
    if (cancelled_) return {grpc::StatusCode::CANCELLED, "cancelled by the client"};
    if (half_closed_) return grpc::Status();
    return grpc_status(go_elsewhere());
  }

  Streams& streams_;
  const Origin origin_;
  Gate::Pass pass_;
  std::atomic<bool> cancelled_ = false;  // read by lanes without the lock
  grpc::ByteBuffer incoming_;            // while reading_: gRPC's, then that of the thread that hands over

  std::mutex mutex_;  // guards all below
  std::deque<grpc::ByteBuffer> outbox_;
  std::size_t unsent_bytes_ = 0;
  std::size_t under_way_ = 0;  // read and not answered
  std::unique_ptr<Item> parked_;
  bool room_ = false;     // since the last attempt to be admitted
  bool reading_ = false;  // from StartRead until the request is handed over
  bool writing_ = false, half_closed_ = false, draining_ = false, finished_ = false;
};

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Streams::open(grpc::CallbackServerContext& context,
                                                                           Gate::Pass pass) {
  const bool refused = !pass;
  auto stream = std::make_shared<Stream>(*this, context, std::move(pass));
  const std::scoped_lock lock(mutex_);
  open_.insert(stream);
  stream->start(refused || draining_);
  return stream.get();
}

void Streams::drain() {
  const std::scoped_lock lock(mutex_);
  draining_ = true;
  for (const auto& stream : open_) stream->drain();
}

void Streams::forget(Stream* stream) {
  std::shared_ptr<Stream> last;  // goes after the lock
  const std::scoped_lock lock(mutex_);
  const auto found = open_.find(stream->shared_from_this());
  last = *found;
  open_.erase(found);
}

}  // namespace helix::server
