#pragma once

#include "grpc/health/v1/health.grpc.pb.h"
#include "helix/v1/reconstruct.grpc.pb.h"
#include "server/app.h"
#include "test/wire/fake_engine.h"

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace helix::wire_test {

/// The sample geometry, loaded once.
std::shared_ptr<const Detector> test_detector();

/// Settings for tests: a free port, no delays.
server::Options test_options();

/// A daemon in this process with fake engines, and a client of it.
class TestServer {
 public:
  using Change = std::function<void(server::Options&)>;

  explicit TestServer(const Change& change = {}, int lanes = 1);
  ~TestServer() { script.let_go(); }

  /// Makes pipelines of `options` as they are now, and waits until the old ones have ended, or drain_timeout.
  server::Reloader::Outcome reload();

  server::App& app() { return *app_; }
  v1::Reconstruction::Stub& client() { return *client_; }
  grpc::health::v1::Health::Stub& health() { return *health_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  EngineScript script;
  server::Options options;  // that a reload reads

 private:
  std::unique_ptr<server::App> app_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Reconstruction::Stub> client_;
  std::unique_ptr<grpc::health::v1::Health::Stub> health_;
};

/// Whether the condition comes true within 20 s.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// The one with the fake engines.
inline server::Pipeline& pipeline_of(TestServer& server) { return *server.app().pipelines()->all().front(); }

/// Whether `n` requests come to wait for a lane.
inline bool waiting(TestServer& server, std::size_t n) {
  return eventually([&] { return pipeline_of(server).queue().waiting() == n; });
}

/// A call, with all that comes back.
struct Reply {
  grpc::Status status;
  v1::ReconstructResponse answer;
  std::string pushback;  // grpc-retry-pushback-ms; empty: none
};

/// One event of these x, on module 0, y = z = 1.
v1::ReconstructRequest request_of(const std::vector<float>& x);

/// Calls and waits, 20 s at most unless `deadline` is sooner.
Reply reconstruct(v1::Reconstruction::Stub& client, const v1::ReconstructRequest& request,
                  std::chrono::milliseconds deadline = std::chrono::seconds(20));

/// Any method of one message and one answer, by name, with bytes as they are.
struct RawReply {
  grpc::Status status;
  std::string answer;
};
RawReply call_raw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method, const std::string& bytes);

}  // namespace helix::wire_test
