// The client against a server in this process that fails on a script.
#include "clients/cpp/client.h"

#include "grpc/health/v1/health.grpc.pb.h"
#include "helix/v1/reconstruct.grpc.pb.h"

#include <catch2/catch.hpp>
#include <grpcpp/grpcpp.h>

#include <deque>
#include <mutex>

using namespace helix;
using namespace std::chrono_literals;

namespace {

struct Failure {
  grpc::StatusCode code;
  const char* pushback = nullptr;
};

class ScriptedReconstruction : public v1::Reconstruction::Service {
 public:
  explicit ScriptedReconstruction(std::deque<Failure> failures) : failures_(std::move(failures)) {}

  grpc::Status Reconstruct(grpc::ServerContext* context, const v1::ReconstructRequest* request,
                           v1::ReconstructResponse* answer) override {
    const std::lock_guard lock(mutex_);
    ++calls;
    if (!failures_.empty()) {
      const Failure failure = failures_.front();
      failures_.pop_front();
      if (failure.pushback) context->AddTrailingMetadata("grpc-retry-pushback-ms", failure.pushback);
      return {failure.code, "as in the script"};
    }
    answer->set_request_id(request->request_id());
    for (int o : {0, 0})
      answer->mutable_tracks()->add_event_offsets(o), answer->mutable_vertices()->add_event_offsets(o);
    answer->mutable_tracks()->add_hit_offsets(0);
    answer->add_counters()->set_hits(request->hits().x_size());
    return grpc::Status::OK;
  }

  grpc::Status ListPipelines(grpc::ServerContext*, const v1::ListPipelinesRequest*,
                             v1::ListPipelinesResponse* answer) override {
    answer->add_pipelines("patatrack");
    return grpc::Status::OK;
  }

  grpc::Status DescribePipeline(grpc::ServerContext*, const v1::DescribePipelineRequest* request,
                                v1::DescribePipelineResponse* answer) override {
    if (request->pipeline() != "patatrack") return {grpc::StatusCode::NOT_FOUND, "no such pipeline"};
    answer->set_pipeline("patatrack");
    answer->mutable_limits()->set_max_events(64);
    auto* p = answer->add_parameters();
    p->set_name("min_pt");
    p->set_unit("GeV");
    return grpc::Status::OK;
  }

  int calls = 0;

 private:
  std::mutex mutex_;  // guards failures_, calls
  std::deque<Failure> failures_;
};

class HalfHealthy : public grpc::health::v1::Health::Service {
  grpc::Status Check(grpc::ServerContext*, const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* answer) override {
    using Answer = grpc::health::v1::HealthCheckResponse;
    if (request->service() == "unknown") return {grpc::StatusCode::NOT_FOUND, "unknown"};
    answer->set_status(request->service().empty() ? Answer::SERVING : Answer::NOT_SERVING);
    return grpc::Status::OK;
  }
};

class Server {
 public:
  explicit Server(std::deque<Failure> failures = {}) : reconstruction(std::move(failures)) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterService(&reconstruction);
    builder.RegisterService(&health_);
    server_ = builder.BuildAndStart();
    address = "127.0.0.1:" + std::to_string(port);
  }
  ~Server() { server_->Shutdown(std::chrono::system_clock::now() + 1s); }

  std::unique_ptr<Client> connect() {
    ClientOptions options;
    options.address = address;
    options.retry.first_wait = 10ms;
    options.retry.budget = 2s;
    auto client = Client::connect(options);
    REQUIRE(client.ok());
    return std::move(*client);
  }

  ScriptedReconstruction reconstruction;
  std::string address;

 private:
  HalfHealthy health_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

TEST_CASE("no server is unavailable within the connect deadline, with the address", "[client]") {
  ClientOptions options;
  options.address = "127.0.0.1:1";
  options.connect_timeout = 200ms;
  const auto client = Client::connect(options);
  REQUIRE_FALSE(client.ok());
  CHECK(client.status().code() == Code::unavailable);
  CHECK_THAT(client.status().message(), Catch::Contains("127.0.0.1:1") && Catch::Contains("200 ms"));
}

TEST_CASE("a server that is away or full is tried again until it answers", "[client]") {
  Server server({{grpc::StatusCode::UNAVAILABLE}, {grpc::StatusCode::RESOURCE_EXHAUSTED, "20"}});
  ReconstructCall call;
  call.request_id = "id 1";
  const auto answer = server.connect()->reconstruct(call);
  REQUIRE(answer.ok());
  CHECK(answer->request_id == "id 1");
  CHECK(server.reconstruction.calls == 3);
}

TEST_CASE("what trying again cannot mend is returned at once", "[client]") {
  struct Case {
    Failure failure;
    Code code;
  };
  const Case cases[] = {{{grpc::StatusCode::INVALID_ARGUMENT}, Code::invalid_argument},
                        {{grpc::StatusCode::NOT_FOUND}, Code::not_found},
                        {{grpc::StatusCode::RESOURCE_EXHAUSTED}, Code::resource_exhausted},
                        {{grpc::StatusCode::UNAVAILABLE, "-1"}, Code::unavailable},
                        {{grpc::StatusCode::DEADLINE_EXCEEDED}, Code::deadline_exceeded},
                        {{grpc::StatusCode::INTERNAL}, Code::internal}};
  for (const Case& c : cases) {
    Server server({c.failure});
    const auto answer = server.connect()->reconstruct({});
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.status().code() == c.code);
    CHECK(answer.status().message() == server.address + ": as in the script");
    CHECK(server.reconstruction.calls == 1);
  }
}

TEST_CASE("a request larger than gRPC's default limit is sent", "[client]") {
  Server server;
  const std::vector<float> column(2'000'000);
  ReconstructCall call;
  call.hits.x = column;
  const auto answer = server.connect()->reconstruct(call);
  REQUIRE(answer.ok());
  CHECK(answer->counters[0].hits == 2'000'000);
}

TEST_CASE("a stopped call is cancelled", "[client]") {
  Server server;
  const auto client = server.connect();
  std::stop_source stop;
  stop.request_stop();
  const auto answer = client->reconstruct({}, stop.get_token());
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.status().code() == Code::cancelled);
}

TEST_CASE("pipelines and health", "[client]") {
  Server server;
  const auto client = server.connect();
  const auto names = client->pipelines();
  REQUIRE(names.ok());
  CHECK(*names == std::vector<std::string>{"patatrack"});
  const auto description = client->describe("patatrack");
  REQUIRE(description.ok());
  CHECK(description->max_events == 64);
  CHECK(description->parameters.at(0).unit == "GeV");
  CHECK(client->describe("nothing").status().code() == Code::not_found);
  CHECK(client->healthy().value());
  CHECK_FALSE(client->healthy("patatrack").value());
  CHECK(client->healthy("unknown").status().code() == Code::not_found);
}
