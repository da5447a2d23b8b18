// The program itself, with its real engine, as systemd and people run it.
#include "clients/cpp/admin.h"
#include "kernels/event/trackml_csv.h"
#include "test/wire/helixd_process.h"
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <future>

using namespace helix;
using namespace helix::wire_test;

namespace {

const std::string kGeometry = HELIX_SOURCE_DIR "/test/data/geometry/generic-pixel";

v1::ReconstructRequest sample_request() {
  const auto events = find_events(HELIX_SOURCE_DIR "/test/data/events/generic-pixel-ttbar-pu0");
  REQUIRE(events.ok());
  const auto hits = read_hits(events->front().hits);
  REQUIRE(hits.ok());
  v1::ReconstructRequest request;
  request.set_pipeline("patatrack");
  v1::Hits& out = *request.mutable_hits();
  out.mutable_x()->Add(hits->x.begin(), hits->x.end());
  out.mutable_y()->Add(hits->y.begin(), hits->y.end());
  out.mutable_z()->Add(hits->z.begin(), hits->z.end());
  out.mutable_volume_id()->Add(hits->volume_id.begin(), hits->volume_id.end());
  out.mutable_layer_id()->Add(hits->layer_id.begin(), hits->layer_id.end());
  out.mutable_module_id()->Add(hits->module_id.begin(), hits->module_id.end());
  return request;
}

std::shared_ptr<grpc::Channel> connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

std::optional<int> run_to_end(const std::vector<std::string>& flags, std::string& output) {
  HelixdProcess helixd(flags);
  const auto code = helixd.wait();
  output = helixd.output();
  return code;
}

/// A socket as a service manager has it, and what was sent to it.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : handle_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(bind(handle_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    setsockopt(handle_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~NotifySocket() { close(handle_); }
  std::string receive() const {
    char text[64];
    const ssize_t n = recv(handle_, text, sizeof(text), 0);
    return n < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(n));
  }

 private:
  int handle_;
};

}  // namespace

TEST_CASE("SIGTERM in the middle of 100 requests: all are answered, exit 0") {
  HelixdProcess helixd({"--geometry", kGeometry, "--drain-delay", "5min"});  // however slow this client sends
  const std::string address = helixd.address();
  REQUIRE_FALSE(address.empty());
  const auto client = v1::Reconstruction::NewStub(connect(address));
  const auto admin = Admin::connect(client_options(address));
  REQUIRE(admin.ok());
  const v1::ReconstructRequest request = sample_request();
  const Reply alone = reconstruct(*client, request, std::chrono::seconds(60));
  REQUIRE(alone.status.ok());
  REQUIRE(alone.answer.tracks().phi_size() > 0);

  std::promise<void> some_answered;
  std::atomic<int> answered = 0;
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 100; ++i)
    replies.push_back(std::async(std::launch::async, [&] {
      Reply reply = reconstruct(*client, request, std::chrono::minutes(4));
      if (++answered == 5) some_answered.set_value();
      return reply;
    }));
  REQUIRE(some_answered.get_future().wait_for(std::chrono::minutes(4)) == std::future_status::ready);
  helixd.signal(SIGTERM);
  for (auto& future : replies) {
    const Reply reply = future.get();
    CHECK(reply.status.error_message() == "");
    CHECK(reply.status.ok());
    const bool same = reply.answer.tracks().SerializeAsString() == alone.answer.tracks().SerializeAsString();
    CHECK(same);  // not the columns themselves: they are long
  }
  // An answer is there a moment before its call is over, and the second signal does not wait.
  CHECK(eventually([&] { return (*admin)->state()->calls == 0; }));
  helixd.signal(SIGTERM);  // ends the delay
  CHECK(helixd.wait() == 0);
  CHECK_THAT(helixd.output(), Catch::Contains("server.drained complete=true left=0"));
}

TEST_CASE("a second signal ends the wait of a drain, exit 0 as nothing was left") {
  HelixdProcess helixd({"--geometry", kGeometry, "--drain-delay", "5min"});
  REQUIRE_FALSE(helixd.address().empty());
  helixd.signal(SIGHUP);  // changes nothing
  helixd.signal(SIGTERM);
  for (int i = 0; i < 6000 && helixd.output().find("server.draining") == std::string::npos; ++i) usleep(10000);
  CHECK_THAT(helixd.output(), Catch::Contains("server.draining"));
  helixd.signal(SIGINT);
  CHECK(helixd.wait() == 0);
  CHECK_THAT(helixd.output(), Catch::Contains("server.stop_now"));
}

// The messages of reflection are put together by hand: their generated code is part of gRPC's library only.
TEST_CASE("reflection lists the services and describes them") {
  HelixdProcess helixd({"--geometry", kGeometry});
  const auto channel = connect(helixd.address());
  const auto ask = [&](char field, const std::string& text) {
    const std::string request = {field, static_cast<char>(text.size())};
    return call_raw(channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", request + text).answer;
  };
  constexpr char kListServices = 7 << 3 | 2, kFileContainingSymbol = 4 << 3 | 2;
  CHECK_THAT(ask(kListServices, ""),
             Catch::Contains("helix.v1.Reconstruction") && Catch::Contains("grpc.health.v1.Health"));
  CHECK_THAT(ask(kFileContainingSymbol, "helix.v1.Reconstruction"), Catch::Contains("DescribePipeline"));
  CHECK_THAT(ask(kFileContainingSymbol, "grpc.health.v1.Health"), Catch::Contains("HealthCheckRequest"));
}

TEST_CASE("the service manager hears when the daemon is ready and when it stops") {
  const TempFolder folder;
  const NotifySocket socket(folder / "notify");
  setenv("NOTIFY_SOCKET", (folder / "notify").c_str(), 1);
  HelixdProcess helixd({"--geometry", kGeometry, "--drain-delay", "0s"});
  unsetenv("NOTIFY_SOCKET");
  CHECK(socket.receive() == "READY=1");
  helixd.signal(SIGHUP);
  CHECK_THAT(socket.receive(), Catch::StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(socket.receive() == "READY=1");
  helixd.signal(SIGINT);
  CHECK(socket.receive() == "STOPPING=1");
  CHECK(helixd.wait() == 0);
}

TEST_CASE("a unix socket serves, beside a port") {
  const TempFolder folder;
  const std::string path = "unix:" + (folder / "helixd.sock");
  HelixdProcess helixd({"--geometry", kGeometry, "--listen", path + ",127.0.0.1:0", "--log-format", "json"});
  REQUIRE_FALSE(helixd.address().empty());
  for (const std::string& address : {path, helixd.address()}) {
    const auto client = v1::Reconstruction::NewStub(connect(address));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::ListPipelinesResponse answer;
    CHECK(client->ListPipelines(&context, {}, &answer).ok());
  }
  CHECK_THAT(helixd.output(), Catch::Contains("\"event\":\"server.ready\""));
}

TEST_CASE("a unix socket that someone serves is not taken away, one that is left over is") {
  const TempFolder folder;
  const std::string path = "unix:" + (folder / "helixd.sock");
  const std::vector<std::string> flags{"--geometry",          kGeometry,      "--listen",
                                       path + ",127.0.0.1:0", "--share-port", "true"};
  const auto serves = [&path](const std::string& address) {
    const auto client = v1::Reconstruction::NewStub(connect(path));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::ListPipelinesResponse answer;
    return !address.empty() && client->ListPipelines(&context, {}, &answer).ok();
  };
  HelixdProcess first(flags);
  CHECK(serves(first.address()));
  std::string output;
  CHECK(run_to_end(flags, output) == 1);
  CHECK_THAT(output, Catch::Contains("cannot listen on " + path + ": "));
  CHECK(serves(first.address()));
  first.signal(SIGKILL);
  CHECK(first.wait() == 128 + SIGKILL);
  HelixdProcess second(flags);
  CHECK(serves(second.address()));
}

TEST_CASE("a unix socket of another kind is not taken away") {
  const TempFolder folder;
  const NotifySocket other(folder / "other.sock");
  std::string output;
  CHECK(run_to_end({"--geometry", kGeometry, "--listen", "unix:" + (folder / "other.sock")}, output) == 1);
  CHECK_THAT(output, Catch::Contains("cannot listen on unix:" + (folder / "other.sock")));
}

TEST_CASE("the limit of open files is raised as far as it may be") {
  rlimit own{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &own) == 0);
  const rlimit low{std::min<rlim_t>(256, own.rlim_max), own.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  HelixdProcess helixd({"--geometry", kGeometry, "--log-level", "debug"});
  setrlimit(RLIMIT_NOFILE, &own);
  REQUIRE_FALSE(helixd.address().empty());
  CHECK_THAT(helixd.output(), Catch::Contains("files.limit before=256 now=" + std::to_string(own.rlim_max)));
}

TEST_CASE("exit codes and messages of a daemon that cannot start") {
  std::string output;
  CHECK(run_to_end({"--version"}, output) == 0);
  CHECK(output == "helixd " HELIX_VERSION "\n");
  CHECK(run_to_end({"--check-config", "--exatrkx-models=", "--geometry", kGeometry}, output) == 0);
  CHECK(run_to_end({"--check-config", "--geometry", "/nowhere"}, output) == 2);
  CHECK_THAT(output, Catch::Contains("/nowhere"));
  CHECK(run_to_end({"--geometry", "/nowhere"}, output) == 2);
  CHECK_THAT(output, Catch::Contains("server.not_started") && Catch::Contains("/nowhere"));
  CHECK(run_to_end({"--queue-max-requests", "0"}, output) == 2);
  CHECK_THAT(output, Catch::StartsWith("helixd: command line, --queue-max-requests: "));
  CHECK(run_to_end({"--config", "/nowhere.toml"}, output) == 2);
  CHECK(run_to_end({"--exatrkx-models=", "--geometry", kGeometry, "--listen", "192.0.2.1:1"}, output) == 1);
  CHECK_THAT(output, Catch::Contains("cannot listen on 192.0.2.1:1"));
}
