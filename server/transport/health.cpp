#include "server/transport/health.h"

#include "server/transport/finish.h"

#include <optional>

namespace helix::server {

namespace wire = grpc::health::v1;

/// One open Watch: writes the latest status, one message at a time; statuses in between may be skipped.
class HealthService::Watcher final : public grpc::ServerWriteReactor<Answer> {
 public:
  explicit Watcher(HealthService& health) : health_(health) {}

  void tell(Answer::ServingStatus status) {
    const std::scoped_lock lock(mutex_);
    next_ = status;
    proceed();
  }

  void end() {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    proceed();
  }

 private:
  // gRPC runs no reaction inside of StartWrite and Finish, so that they may be called under the lock.
  void proceed() {
    if (writing_ || finished_) return;
    if (next_ && !cancelled_) {
      message_.set_status(*next_);
      next_.reset();
      writing_ = true;
      StartWrite(&message_);
    } else if (ending_ || cancelled_) {
      finished_ = true;
      Finish(cancelled_ ? grpc::Status(grpc::StatusCode::CANCELLED, "cancelled by the client")
                        : grpc::Status(grpc::StatusCode::UNAVAILABLE, "server is stopping"));
    }
  }

  void OnWriteDone(bool ok) override {
    const std::scoped_lock lock(mutex_);
    writing_ = false;
    if (!ok) cancelled_ = true;
    proceed();
  }

  void OnCancel() override {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
    proceed();
  }

  void OnDone() override {
    health_.forget(this);
    delete this;
  }

  HealthService& health_;
  std::mutex mutex_;  // guards all below
  Answer message_;
  std::optional<Answer::ServingStatus> next_;
  bool writing_ = false, ending_ = false, cancelled_ = false, finished_ = false;
};

HealthService::HealthService() = default;
HealthService::~HealthService() = default;

void HealthService::set(const std::map<std::string, bool>& serving) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [service, status] : status_)
    if (!serving.contains(service)) tell(service, Answer::SERVICE_UNKNOWN);
  for (const auto& [service, serves] : serving)
    tell(service, serves && !draining_ ? Answer::SERVING : Answer::NOT_SERVING);
  std::erase_if(status_, [](const auto& entry) { return entry.second == Answer::SERVICE_UNKNOWN; });
}

void HealthService::set_draining() {
  const std::scoped_lock lock(mutex_);
  draining_ = true;
  for (const auto& [service, status] : status_) tell(service, Answer::NOT_SERVING);
}

std::string HealthService::of(const std::string& service) const {
  const std::scoped_lock lock(mutex_);
  const auto found = status_.find(service);
  return Answer::ServingStatus_Name(found != status_.end() ? found->second : Answer::SERVICE_UNKNOWN);
}

void HealthService::tell(const std::string& service, Answer::ServingStatus status) {
  auto& known = status_[service];
  if (known == status) return;
  known = status;
  const auto [first, last] = watchers_.equal_range(service);
  for (auto at = first; at != last; ++at) at->second->tell(status);
}

void HealthService::end_watches() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  for (const auto& [service, watcher] : watchers_) watcher->end();
}

void HealthService::forget(Watcher* watcher) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(watchers_, [watcher](const auto& entry) { return entry.second == watcher; });
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const wire::HealthCheckRequest* request, Answer* response) {
  std::optional<Answer::ServingStatus> known;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = status_.find(request->service()); found != status_.end()) known = found->second;
  }
  if (known) response->set_status(*known);
  return finish(*context, known
                              ? grpc::Status()
                              : grpc::Status(grpc::StatusCode::NOT_FOUND, "no service \"" + request->service() + "\""));
}

grpc::ServerWriteReactor<HealthService::Answer>* HealthService::Watch(grpc::CallbackServerContext*,
                                                                      const wire::HealthCheckRequest* request) {
  auto* watcher = new Watcher(*this);
  const std::scoped_lock lock(mutex_);
  watchers_.emplace(request->service(), watcher);
  const auto found = status_.find(request->service());
  watcher->tell(found != status_.end() ? found->second : Answer::SERVICE_UNKNOWN);
  if (ended_) watcher->end();
  return watcher;
}

}  // namespace helix::server
