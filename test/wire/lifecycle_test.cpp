// The daemon while it is used: take-over of its port, sudden death, reloads, the admin service.
#include "clients/cpp/admin.h"
#include "test/support/sanitizers.h"
#include "test/support/temp_folder.h"
#include "test/wire/helixd_process.h"
#include "test/wire/test_server.h"

#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

using namespace helix;
using namespace helix::wire_test;
using namespace std::chrono_literals;

namespace {

constexpr int kReloads = test::kThreadSanitizer || test::kAddressSanitizer ? 8 : 100;

/// kB, by the second half of the reloads: 150 were measured. Sanitizers keep what is freed.
constexpr long kMayGrow = test::kThreadSanitizer || test::kAddressSanitizer ? 64 << 10 : 4 << 10;

const std::string kGeometry = HELIX_SOURCE_DIR "/test/data/geometry/generic-pixel";

/// Clients with the default policy. Each calls again when it is answered, after a pause.
class Load {
 public:
  explicit Load(const std::string& address, int clients = 4, std::chrono::milliseconds pause = 0ms) : pause_(pause) {
    for (int i = 0; i < clients; ++i) threads_.emplace_back([this, address, i] { run(address, i); });
  }
  ~Load() { stop(); }

  /// Waits until so many more calls have been answered by the time it returns; false after a while.
  bool goes_on(int calls = 20) const {
    const int least = answered_ + calls;
    for (int i = 0; i < 6000; ++i) {
      if (answered_ >= least) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  /// What went wrong with the first call that failed, or had a wrong answer; empty: nothing did.
  std::string stop() {
    stop_ = true;
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
    const std::scoped_lock lock(mutex_);
    return failure_;
  }

 private:
  void run(const std::string& address, int number) {
    auto client = Client::connect(client_options(address));
    if (!client.ok()) return fail(client.status().message());
    const std::vector<float> x(static_cast<std::size_t>(100 + number), 50.f);
    ReconstructCall call;
    call.pipeline = "echo";
    call.hits.x = call.hits.y = call.hits.z = x;
    while (!stop_) {
      const auto answer = (*client)->reconstruct(call);
      if (!answer.ok()) return fail(answer.status().message());
      if (answer->tracks.hit.size() != x.size()) return fail("a wrong answer");
      ++answered_;
      std::this_thread::sleep_for(pause_);
    }
  }

  void fail(const std::string& what) {
    const std::scoped_lock lock(mutex_);
    if (failure_.empty()) failure_ = what;
  }

  const std::chrono::milliseconds pause_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> answered_ = 0;
  std::mutex mutex_;  // guards failure_
  std::string failure_;
  std::vector<std::thread> threads_;
};

std::unique_ptr<HelixdProcess> start(const std::vector<std::string>& flags) {
  std::vector<std::string> all{"--geometry", kGeometry, "--share-port", "true"};
  all.insert(all.end(), flags.begin(), flags.end());
  return std::make_unique<HelixdProcess>(all);
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

/// A geometry with a file that comes when the test says so: loading it takes that long.
class SlowGeometry {
 public:
  SlowGeometry() {
    std::filesystem::copy(kGeometry, path());
    std::filesystem::remove(file());
    REQUIRE(mkfifo(file().c_str(), 0600) == 0);
  }
  std::string path() const { return folder_ / "geometry"; }

  /// Returns when someone reads; what they read then ends with this stream.
  std::ofstream wait_for_reader() const { return std::ofstream(file()); }
  static std::string text() {
    std::ostringstream text;
    text << std::ifstream(kGeometry + "/geometry.toml").rdbuf();
    return text.str();
  }

 private:
  std::string file() const { return path() + "/geometry.toml"; }
  const TempFolder folder_;
};

/// Resident memory of a process, kB.
long resident(std::uint32_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; file >> word;)
    if (word == "VmRSS:") {
      long kb = 0;
      file >> kb;
      return kb;
    }
  return 0;
}

}  // namespace

TEST_CASE("take-over: a new process gets the port before the old one drains, no request fails") {
  auto helixd = start({"--drain-delay", "0s"});
  const std::string address = helixd->address();
  REQUIRE_FALSE(address.empty());
  Load load(address);
  REQUIRE(load.goes_on());
  for (int round = 0; round < 5; ++round) {
    auto next = start({"--listen", address, "--drain-delay", round % 2 == 0 ? "300ms" : "0s"});
    REQUIRE(next->address() == address);
    helixd->signal(SIGTERM);
    CHECK(helixd->wait() == 0);
    CHECK_THAT(helixd->output(), Catch::Contains("server.drained complete=true left=0"));
    REQUIRE(load.goes_on());
    helixd = std::move(next);
  }
  CHECK(load.stop() == "");
}

TEST_CASE("take-over: without share_port a second process does not start") {
  HelixdProcess first({"--geometry", kGeometry});
  const std::string address = first.address();
  REQUIRE_FALSE(address.empty());
  auto second = start({"--listen", address});
  CHECK(second->wait() == 1);
  CHECK_THAT(second->output(), Catch::Contains("cannot listen on " + address));
}

TEST_CASE("take-over: the port of HTTP is handed over too") {
  const TempFolder folder;
  auto first = start({"--http-listen", "127.0.0.1:0", "--http-port-file", folder / "http", "--drain-delay", "0s"});
  const std::string address = first->address();
  REQUIRE_FALSE(address.empty());
  std::string port;
  std::ifstream(folder / "http") >> port;
  auto second =
      start({"--listen", address, "--http-listen", "127.0.0.1:" + port, "--http-port-file", folder / "again"});
  REQUIRE(second->address() == address);
  CHECK_THAT(second->output(), Catch::Contains("http.waits"));
  CHECK_FALSE(std::filesystem::exists(folder / "again"));
  first->signal(SIGTERM);
  CHECK(first->wait() == 0);
  for (int i = 0; i < 6000 && !std::filesystem::exists(folder / "again"); ++i) std::this_thread::sleep_for(10ms);
  std::string again;
  std::ifstream(folder / "again") >> again;
  CHECK(again == port);
}

TEST_CASE("sudden death under load: calls are tried again until another process answers") {
  auto helixd = start({});
  const std::string address = helixd->address();
  REQUIRE_FALSE(address.empty());
  Load load(address);
  REQUIRE(load.goes_on());
  helixd->signal(SIGKILL);
  CHECK(helixd->wait() == 128 + SIGKILL);
  helixd = start({"--listen", address});
  CHECK(load.goes_on());
  CHECK(load.stop() == "");
}

TEST_CASE("sudden death under load without another process: every call ends with an error") {
  auto helixd = start({});
  const std::string address = helixd->address();
  REQUIRE_FALSE(address.empty());
  std::atomic<int> answered = 0, ended = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] {
      ClientOptions options = client_options(address);
      options.retry.budget = 1s;
      const auto client = Client::connect(options);
      if (!client.ok()) return;
      const std::vector<float> x(100, 50.f);
      ReconstructCall call;
      call.pipeline = "echo";
      call.hits.x = call.hits.y = call.hits.z = x;
      auto answer = (*client)->reconstruct(call);
      if (answer.ok()) ++answered;
      while (answer.ok()) answer = (*client)->reconstruct(call);
      if (answer.status().code() == Code::unavailable) ++ended;
    });
  CHECK(eventually([&] { return answered == 4; }));
  helixd->signal(SIGKILL);
  for (std::thread& client : clients) client.join();
  CHECK(ended == 4);
}

TEST_CASE("reload: a hundred times under load no request fails, and memory does not grow") {
  const TempFolder folder;
  const std::string file = folder / "helixd.toml";
  const auto settings = [&](int i) { write(file, "[queue]\nmax_requests = " + std::to_string(200 + i) + "\n"); };
  settings(0);
  auto helixd = start({"--config", file});
  const std::string address = helixd->address();
  REQUIRE_FALSE(address.empty());
  const auto admin = Admin::connect(client_options(address));
  REQUIRE(admin.ok());
  Load load(address, 2, 1ms);
  long middle = 0;
  for (int i = 1; i <= kReloads; ++i) {
    settings(i);
    const auto done = (*admin)->reload();
    REQUIRE(done.status().message() == "");
    const auto state = (*admin)->state();
    REQUIRE(state.ok());
    REQUIRE(state->pipelines.front().max_requests == static_cast<std::uint32_t>(200 + i));
    if (i == kReloads / 2) middle = resident(state->pid);
  }
  CHECK(load.goes_on());
  CHECK(load.stop() == "");
  const auto state = (*admin)->state();
  REQUIRE(state.ok());
  CHECK(state->reloads == kReloads);
  CHECK(resident(state->pid) - middle < kMayGrow);
}

TEST_CASE("reload: a bad file changes nothing and is named, what cannot change too") {
  const TempFolder folder;
  const std::string file = folder / "helixd.toml";
  write(file, "");
  auto helixd = start({"--config", file});
  const auto admin = Admin::connect(client_options(helixd->address()));
  REQUIRE(admin.ok());
  const auto before = (*admin)->state();
  REQUIRE(before.ok());

  write(file, "[queue]\nmax_requests = -1\n");
  const auto bad = (*admin)->reload();
  CHECK(bad.status().code() == Code::invalid_argument);
  CHECK_THAT(bad.status().message(), Catch::Contains(file) && Catch::Contains("max_requests"));
  write(file, "[server]\ngeometry = \"/nowhere\"\n");  // the flag holds
  CHECK((*admin)->reload().ok());
  write(file, "[exatrkx]\nmodels = \"/nowhere\"\n");
  CHECK((*admin)->reload().ok());

  write(file, "[stream]\nmax_in_flight = 7\n[patatrack.select]\nloose_score = 0.5\n");
  const auto good = (*admin)->reload();
  REQUIRE(good.status().message() == "");
  CHECK(*good == std::vector<std::string>{"stream.max_in_flight"});
  const auto after = (*admin)->state();
  REQUIRE(after.ok());
  CHECK(after->reloads == 3);
  CHECK(after->pipelines.front().settings_digest != before->pipelines.front().settings_digest);
  CHECK_THAT(helixd->output(),
             Catch::Contains("reload.failed") && Catch::Contains("reload.not_changed setting=stream.max_in_flight"));
}

TEST_CASE("reload: SIGHUP does the same, and a geometry that is gone is an error") {
  const TempFolder folder;
  std::filesystem::copy(kGeometry, folder / "geometry", std::filesystem::copy_options::recursive);
  auto helixd = start({"--geometry", folder / "geometry"});
  const auto admin = Admin::connect(client_options(helixd->address()));
  REQUIRE(admin.ok());
  const auto reloads = [&] { return (*admin)->state()->reloads; };
  helixd->signal(SIGHUP);
  for (int i = 0; i < 6000 && reloads() < 1; ++i) std::this_thread::sleep_for(10ms);
  CHECK(reloads() == 1);
  std::filesystem::remove_all(folder / "geometry");
  const auto gone = (*admin)->reload();
  CHECK(gone.status().code() == Code::not_found);
  CHECK(reloads() == 1);
  CHECK((*admin)->state()->pipelines.front().health == "SERVING");
}

TEST_CASE("admin: state, log level and drain") {
  auto helixd = start({"--drain-delay", "0s", "--cpu-lanes", "3"});
  const auto admin = Admin::connect(client_options(helixd->address()));
  REQUIRE(admin.ok());
  const auto state = (*admin)->state();
  REQUIRE(state.ok());
  CHECK(state->version == HELIX_VERSION);
  CHECK_FALSE(state->draining);
  REQUIRE(state->pipelines.size() == 2);
  CHECK(state->pipelines[0].name == "patatrack");
  CHECK(state->pipelines[1].lanes_in_service == 3);
  CHECK(state->log_level == "info");
  CHECK((*admin)->set_log_level("debug").ok());
  CHECK((*admin)->state()->log_level == "debug");
  CHECK((*admin)->set_log_level("loud").code() == Code::invalid_argument);
  CHECK((*admin)->drain().ok());
  CHECK(helixd->wait() == 0);
}

TEST_CASE("drain: SIGTERM after the admin service's is no second one, the next is") {
  auto helixd = start({"--drain-delay", "5min"});
  const std::string address = helixd->address();
  const auto admin = Admin::connect(client_options(address));
  REQUIRE(admin.ok());
  Load load(address);
  REQUIRE(load.goes_on());
  CHECK((*admin)->drain().ok());
  CHECK((*admin)->drain().ok());
  helixd->signal(SIGTERM);
  CHECK((*admin)->drain().ok());
  CHECK(load.goes_on(200));
  CHECK((*admin)->state()->draining);
  CHECK(load.stop() == "");
  CHECK_THAT(helixd->output(), !Catch::Contains("server.stop_now"));
  // An answer is there a moment before its call is over.
  CHECK(eventually([&] { return (*admin)->state()->calls == 0; }));
  helixd->signal(SIGTERM);
  CHECK(helixd->wait() == 0);
  CHECK_THAT(helixd->output(), Catch::Contains("server.stop_now"));
}

TEST_CASE("drain: a request under way is answered whoever asks for the end, and twice") {
  auto helixd = start({"--drain-delay", "0s", "--faults-hang-every", "1", "--faults-hang-for", "2s"});
  const std::string address = helixd->address();
  const auto admin = Admin::connect(client_options(address));
  REQUIRE(admin.ok());
  auto answer = std::async(std::launch::async, [&address] {
    ClientOptions options = client_options(address);
    options.retry.budget = 0s;
    const auto client = Client::connect(options);
    if (!client.ok()) return client.status().message();
    const std::vector<float> x(100, 50.f);
    ReconstructCall call;
    call.pipeline = "echo";
    call.hits.x = call.hits.y = call.hits.z = x;
    return (*client)->reconstruct(call).status().message();
  });
  for (int i = 0; i < 6000 && (*admin)->state()->calls == 0; ++i) std::this_thread::sleep_for(1ms);
  CHECK((*admin)->drain().ok());
  helixd->signal(SIGTERM);
  CHECK(answer.get() == "");
  CHECK(helixd->wait() == 0);
  CHECK_THAT(helixd->output(), Catch::Contains("complete=true") && !Catch::Contains("server.stop_now"));
}

TEST_CASE("drain: the admin service's after SIGTERM is no second one") {
  auto helixd = start({"--drain-delay", "2s"});
  const std::string address = helixd->address();
  const auto admin = Admin::connect(client_options(address));
  REQUIRE(admin.ok());
  helixd->signal(SIGTERM);
  for (int i = 0; i < 20; ++i) CHECK((*admin)->drain().ok());
  CHECK(helixd->wait() == 0);
  CHECK_THAT(helixd->output(), Catch::Contains("complete=true") && !Catch::Contains("server.stop_now"));
}

TEST_CASE("start: SIGTERM ends it, exit 0") {
  const SlowGeometry geometry;
  auto helixd = start({"--geometry", geometry.path(), "--http-listen", "127.0.0.1:0"});
  {
    std::ofstream file = geometry.wait_for_reader();
    helixd->signal(SIGTERM);
    for (int i = 0; i < 6000 && helixd->output().find("server.start_ends") == std::string::npos; ++i)
      std::this_thread::sleep_for(10ms);
    file << SlowGeometry::text();
  }
  CHECK(helixd->wait() == 0);
  CHECK_THAT(helixd->output(), Catch::Contains("server.start_ends signal=15") && !Catch::Contains("server.ready"));
}

TEST_CASE("start: stopped, it opens no port") {
  EngineScript script;
  std::stop_source stop;
  stop.request_stop();
  const auto app = server::App::start(test_options(), test_detector(), fake_engines(script, 1), {}, stop.get_token());
  REQUIRE_FALSE(app.ok());
  CHECK(app.status().code() == Code::unavailable);
}

TEST_CASE("start: SIGHUP waits until there is something to reload") {
  const SlowGeometry geometry;
  auto helixd = start({"--geometry", geometry.path()});
  {
    std::ofstream file = geometry.wait_for_reader();
    helixd->signal(SIGHUP);
    file << SlowGeometry::text();
  }
  const std::string address = helixd->address();
  REQUIRE_FALSE(address.empty());
  geometry.wait_for_reader() << SlowGeometry::text();
  const auto admin = Admin::connect(client_options(address));
  REQUIRE(admin.ok());
  for (int i = 0; i < 6000 && (*admin)->state()->reloads < 1; ++i) std::this_thread::sleep_for(10ms);
  CHECK((*admin)->state()->reloads == 1);
}

TEST_CASE("end: a second SIGTERM ends a start that hangs") {
  const SlowGeometry geometry;
  auto helixd = start({"--geometry", geometry.path()});
  const std::ofstream file = geometry.wait_for_reader();
  helixd->signal(SIGTERM);
  for (int i = 0; i < 6000 && helixd->output().find("server.start_ends") == std::string::npos; ++i)
    std::this_thread::sleep_for(10ms);
  helixd->signal(SIGTERM);
  CHECK(helixd->wait() == 0);
}

TEST_CASE("end: what hangs is not waited for for ever") {
  const SlowGeometry geometry;
  auto helixd = start({"--geometry", geometry.path(), "--drain-delay", "0s"});
  geometry.wait_for_reader() << SlowGeometry::text();
  REQUIRE_FALSE(helixd->address().empty());
  helixd->signal(SIGHUP);
  const std::ofstream file = geometry.wait_for_reader();  // of a reload that never ends
  helixd->signal(SIGTERM);
  CHECK(helixd->wait() == 0);
  CHECK_THAT(helixd->output(), Catch::Contains("complete=true") && Catch::Contains("server.stuck"));
}

TEST_CASE("admin: clients that may not are refused") {
  TestServer server([](server::Options& options) { options.admin.access = server::AdminAccess::none; });
  const auto stub = v1::Admin::NewStub(server.channel());
  grpc::ClientContext context;
  v1::StatusResponse answer;
  CHECK(stub->Status(&context, {}, &answer).error_code() == grpc::StatusCode::PERMISSION_DENIED);
  for (const char* peer : {"unix:/run/helixd.sock", "unix:", "ipv4:127.0.0.1:4", "ipv6:[::1]:4", "ipv6:%5B::1%5D:4"})
    CHECK(server::is_local(peer));
  for (const char* peer : {"ipv4:128.0.0.1:4", "ipv4:10.127.0.1:4", "ipv6:[::2]:4", "ipv6:%5B2001:db8::1%5D:4", ""})
    CHECK_FALSE(server::is_local(peer));
}
