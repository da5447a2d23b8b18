// The exatrkx pipeline in the program itself: models side by side, what is refused, and that the daemon goes on.
// Without LibTorch these tests say so and pass.
#include "kernels/core/file.h"
#include "kernels/exatrkx/networks.h"
#include "test/support/exatrkx_model.h"
#include "test/wire/helixd_process.h"
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <future>

using namespace helix;
using namespace helix::wire_test;
using exatrkx::test::SmallModel;
using exatrkx::test::write_small_model;
using grpc::StatusCode;

namespace {

const std::string kGeometry = HELIX_SOURCE_DIR "/test/data/geometry/generic-pixel";
const std::string kPublished = HELIX_SOURCE_DIR "/test/data/exatrkx/models/geometric-lrt";

bool absent() {
  if (!exatrkx::has_networks()) WARN("built without LibTorch: not tested");
  return !exatrkx::has_networks();
}

/// A helixd with these models, and a client of it.
class ModelServer {
 public:
  explicit ModelServer(const std::string& models, std::vector<std::string> flags = {})
      : helixd_(with_models(models, std::move(flags))) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const std::string address = helixd_.address();
    INFO(helixd_.output());
    REQUIRE_FALSE(address.empty());
    const auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    client_ = v1::Reconstruction::NewStub(channel);
    health_ = grpc::health::v1::Health::NewStub(channel);
  }

  Reply ask(const v1::ReconstructRequest& request) const {
    return reconstruct(*client_, request, std::chrono::seconds(120));
  }
  v1::Reconstruction::Stub& client() const { return *client_; }
  StatusCode health(const std::string& service) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    grpc::health::v1::HealthCheckRequest request;
    grpc::health::v1::HealthCheckResponse answer;
    request.set_service(service);
    const grpc::Status status = health_->Check(&context, request, &answer);
    return status.ok() && answer.status() != answer.SERVING ? StatusCode::UNAVAILABLE : status.error_code();
  }

 private:
  static std::vector<std::string> with_models(const std::string& models, std::vector<std::string> flags) {
    for (const std::string& more : {std::string("--geometry"), kGeometry, "--exatrkx-models=" + models})
      flags.push_back(more);
    return flags;
  }

  HelixdProcess helixd_;
  std::unique_ptr<v1::Reconstruction::Stub> client_;
  std::unique_ptr<grpc::health::v1::Health::Stub> health_;
};

/// An event of straight lines from the beam line, eight hits each, 20 degrees apart: the small model finds them all.
v1::ReconstructRequest lines(int n, const std::string& pipeline = "exatrkx/small") {
  v1::ReconstructRequest request;
  request.set_pipeline(pipeline);
  v1::Hits& hits = *request.mutable_hits();
  for (int line = 0; line < n; ++line)
    for (int layer = 1; layer <= 8; ++layer) {
      const float phi = 0.35f * static_cast<float>(line), r = 40.f * static_cast<float>(layer);
      hits.add_x(r * std::cos(phi));
      hits.add_y(r * std::sin(phi));
      hits.add_z(r * 0.5f);
    }
  return request;
}

std::string run_to_end(const std::vector<std::string>& flags, int code) {
  HelixdProcess helixd(flags);
  CHECK(helixd.wait() == code);
  return helixd.output();
}

}  // namespace

TEST_CASE("exatrkx: models are served side by side, each by its name") {
  if (absent()) return;
  const TempFolder folder;
  const ModelServer server(kPublished + ", " + write_small_model(folder));
  for (const char* name : {"", "patatrack", "exatrkx", "exatrkx/geometric-lrt", "exatrkx/small"}) {
    CAPTURE(name);
    CHECK(server.health(name) == StatusCode::OK);
  }
  CHECK(server.health("exatrkx/other") == StatusCode::NOT_FOUND);

  grpc::ClientContext list_context;
  v1::ListPipelinesResponse list;
  REQUIRE(server.client().ListPipelines(&list_context, {}, &list).ok());
  CHECK(std::vector<std::string>(list.pipelines().begin(), list.pipelines().end()) ==
        std::vector<std::string>{"patatrack", "exatrkx/geometric-lrt", "exatrkx/small", "echo"});

  const Reply small = server.ask(lines(5)), published = server.ask(lines(5, "exatrkx/geometric-lrt")),
              first = server.ask(lines(5, "exatrkx"));
  REQUIRE(small.status.error_message() == "");
  REQUIRE(published.status.error_message() == "");
  CHECK(small.answer.tracks().phi_size() == 5);
  CHECK(small.answer.provenance().pipeline() == "exatrkx/small");
  CHECK(small.answer.provenance().geometry() == "small");
  CHECK(published.answer.provenance().geometry() == "geometric-lrt");
  CHECK(first.answer.provenance().pipeline() == "exatrkx/geometric-lrt");
  CHECK(first.answer.tracks().SerializeAsString() == published.answer.tracks().SerializeAsString());
  CHECK(small.answer.provenance().settings_digest() != published.answer.provenance().settings_digest());
  CHECK(small.answer.time().stages_size() > 5);
  CHECK(server.ask(lines(5, "exatrkx/other")).status.error_code() == StatusCode::NOT_FOUND);
}

TEST_CASE("exatrkx: a pipeline is described: features, cuts, columns, limits") {
  if (absent()) return;
  const TempFolder folder;
  SmallModel charged;
  charged.name = "charged";
  charged.names += ", \"charge\", \"size_v\"", charged.scales += ", 1e4, 1";
  const ModelServer server(write_small_model(folder, charged));
  grpc::ClientContext context;
  v1::DescribePipelineRequest request;
  v1::DescribePipelineResponse answer;
  request.set_pipeline("exatrkx");
  REQUIRE(server.client().DescribePipeline(&context, request, &answer).ok());
  CHECK(answer.pipeline() == "exatrkx/charged");
  CHECK(answer.modules() == 0);
  CHECK(answer.limits().max_hits_per_event() == 2'000'000);
  CHECK(std::vector<std::string>(answer.hit_columns().begin(), answer.hit_columns().end()) ==
        std::vector<std::string>{"charge", "size_v"});
  CHECK(answer.hit_columns_needed());
  std::string features;
  for (const v1::Parameter& parameter : answer.parameters())
    if (parameter.name() == "names") features = parameter.value();
  CHECK(features == "cos_phi, sin_phi, charge, size_v");
}

TEST_CASE("exatrkx: a request without a column that the model looks at is refused by name, the next is answered") {
  if (absent()) return;
  const TempFolder folder;
  SmallModel charged;
  charged.name = "charged";
  charged.names += ", \"charge\"", charged.scales += ", 1e4";
  const ModelServer server(write_small_model(folder, charged));
  v1::ReconstructRequest request = lines(5, "exatrkx");
  const Reply refused = server.ask(request);
  CHECK(refused.status.error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK(refused.status.error_message() ==
        "pipeline exatrkx/charged: model charged looks at charge of each hit, and this request has no hits.charge");
  for (int i = 0; i < request.hits().x_size(); ++i) request.mutable_hits()->add_charge(12000);
  CHECK(server.ask(request).answer.tracks().phi_size() == 5);
  request.mutable_hits()->set_charge(3, NAN);
  CHECK(server.ask(request).status.error_message() == "hits.charge[3] is NaN (event 0)");
  request.mutable_hits()->mutable_charge()->RemoveLast();
  CHECK(server.ask(request).status.error_message() == "hits.charge has 39 values, hits.x has 40");
}

TEST_CASE("exatrkx: what is over a limit or the memory budget is refused, and the daemon goes on") {
  if (absent()) return;
  const TempFolder folder;
  const ModelServer server(write_small_model(folder),
                           {"--limits-max-hits-per-event", "20000", "--memory-budget", "16777216"});
  const Reply large = server.ask(lines(2501));
  CHECK(large.status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK(large.status.error_message() == "event 0 has 20,008 hits, limit 20,000");
  // lines lie upon each other, and the graph is dense
  v1::ReconstructRequest dense = lines(2400);
  const Reply refused = server.ask(dense);
  CHECK(refused.status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK_THAT(refused.status.error_message(), Catch::Contains("stage ") && Catch::Contains("16777216"));
  CHECK(server.ask(lines(5)).answer.tracks().phi_size() == 5);
}

TEST_CASE("exatrkx: answers to many clients at once are those of one alone") {
  if (absent()) return;
  const TempFolder folder;
  const ModelServer server(write_small_model(folder) + "," + kPublished,
                           {"--cpu-lanes", "2", "--cpu-threads", "2", "--exatrkx-threads", "1"});
  for (const char* pipeline : {"exatrkx/small", "exatrkx/geometric-lrt"}) {
    std::vector<Reply> alone;
    for (const int n : {3, 7, 12}) alone.push_back(server.ask(lines(n, pipeline)));
    std::vector<std::future<Reply>> together;
    for (int i = 0; i < 30; ++i)
      together.push_back(std::async(std::launch::async,
                                    [&, n = std::array{3, 7, 12}[i % 3]] { return server.ask(lines(n, pipeline)); }));
    for (std::size_t i = 0; i < together.size(); ++i) {
      const Reply reply = together[i].get();
      CHECK(reply.status.error_message() == "");
      CHECK(reply.answer.tracks().hit_offsets().size() == alone[i % 3].answer.tracks().hit_offsets().size());
      CHECK(std::equal(reply.answer.tracks().hit().begin(), reply.answer.tracks().hit().end(),
                       alone[i % 3].answer.tracks().hit().begin(), alone[i % 3].answer.tracks().hit().end()));
    }
  }
}

TEST_CASE("exatrkx: a model that cannot be served keeps helixd from starting, and is named") {
  if (absent()) return;
  struct Case {
    const char* what;
    std::function<void(const std::string&folder, SmallModel&)> before, after;
    std::string message;
  };
  const auto nothing = [](const std::string&, SmallModel&) {};
  const Case c = GENERATE_COPY(values<Case>({
      {"a missing file", nothing, [](const std::string& f, SmallModel&) { std::filesystem::remove(f + "/gnn.pt"); },
       "gnn.pt: no such file"},
      {"no model.toml", nothing, [](const std::string& f, SmallModel&) { std::filesystem::remove(f + "/model.toml"); },
       "model.toml: no such file"},
      {"another digest", nothing,
       [](const std::string& f, SmallModel&) {
         std::filesystem::copy_file(f + "/gnn.pt", f + "/embed.pt", std::filesystem::copy_options::overwrite_existing);
       },
       "embed.pt: its SHA-256 is "},
      {"no TorchScript", [](const std::string&, SmallModel& m) { m.filter = "not_torchscript.pt"; }, nothing,
       "filter.pt: is no TorchScript that can be run here"},
      {"an operator that is not there", [](const std::string&, SmallModel& m) { m.gnn = "unknown_operator.pt"; },
       nothing, "acme_scatter::scatter_max"},
      {"a wrong shape", [](const std::string&, SmallModel& m) { m.gnn = "one_too_many.pt"; }, nothing,
       "gnn.pt: answers with shape [2049], not [2048]"},
      {"a wrong type", [](const std::string&, SmallModel& m) { m.gnn = "doubles.pt"; }, nothing,
       "gnn.pt: does not answer with float32"},
      {"another number of inputs", [](const std::string&, SmallModel& m) { m.embed = "distance.pt"; }, nothing,
       "embed.pt: "},
      {"too few features", [](const std::string&, SmallModel& m) { m.names = "\"r\"", m.scales = "1"; }, nothing,
       "embed.pt: answers with shape [512, 1], not [512, 2]"},
  }));
  CAPTURE(c.what);
  const TempFolder folder;
  SmallModel model;
  c.before(folder / model.name, model);
  const std::string path = write_small_model(folder, model);
  c.after(path, model);
  const std::string check = run_to_end({"--check-config", "--geometry", kGeometry, "--exatrkx-models=" + path}, 2);
  CHECK_THAT(check, Catch::StartsWith("helixd: " + path + "/") && Catch::Contains(c.message));
  const std::string start = run_to_end({"--geometry", kGeometry, "--exatrkx-models=" + path}, 2);
  CHECK_THAT(start, Catch::Contains("server.not_started") && Catch::Contains(c.message));
}

TEST_CASE("exatrkx: a truncated file of a network, and two models of one name, are errors with exit code 2") {
  if (absent()) return;
  const TempFolder folder, other;
  const std::string path = write_small_model(folder), twin = write_small_model(other);
  CHECK_THAT(run_to_end({"--check-config", "--geometry", kGeometry, "--exatrkx-models=" + path + "," + twin}, 2),
             Catch::Contains("have the same name, small"));
  const Result<std::string> whole = read_file(path + "/embed.pt");
  REQUIRE(whole.ok());
  REQUIRE(write_file(path + "/embed.pt", whole->substr(0, whole->size() / 2)).ok());
  CHECK_THAT(run_to_end({"--check-config", "--geometry", kGeometry, "--exatrkx-models=" + path}, 2),
             Catch::Contains(path + "/embed.pt: its SHA-256 is "));
}
