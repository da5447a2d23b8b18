#pragma once

#include "grpc/health/v1/health.grpc.pb.h"

#include <map>
#include <mutex>
#include <string>

namespace helix::server {

/// grpc.health.v1, of the server ("") and of whatever else it is told of. Thread-safe.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  using Answer = grpc::health::v1::HealthCheckResponse;

  HealthService();
  ~HealthService() override;

  /// Whether each of these serves; all others are not known any more. Those who watch are told.
  void set(const std::map<std::string, bool>& serving);
  /// Everything is NOT_SERVING from now on, whatever is set later.
  void set_draining();
  /// "SERVING", "NOT_SERVING" or "SERVICE_UNKNOWN"
  std::string of(const std::string& service) const;
  /// Ends all watches, those yet to come too: open streams would hold up the end of the server.
  void end_watches();

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request, Answer* response) override;
  grpc::ServerWriteReactor<Answer>* Watch(grpc::CallbackServerContext* context,
                                          const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  class Watcher;
  void tell(const std::string& service, Answer::ServingStatus status);
  void forget(Watcher* watcher);

  // Held while watchers are told: a watcher leaves the set, under this mutex, before it is gone.
  mutable std::mutex mutex_;  // guards all below; taken before a watcher's own
  std::map<std::string, Answer::ServingStatus> status_;
  std::multimap<std::string, Watcher*> watchers_;
  bool draining_ = false, ended_ = false;
};

}  // namespace helix::server
