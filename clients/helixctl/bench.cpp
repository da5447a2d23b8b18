#include "clients/bench/local_target.h"
#include "clients/bench/server_target.h"
#include "clients/helixctl/bench_events.h"
#include "clients/helixctl/bench_report.h"
#include "clients/helixctl/local_options.h"
#include "clients/helixctl/options.h"
#include "clients/helixctl/progress.h"
#include "kernels/core/file.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

namespace helix::helixctl {
namespace {

constexpr int kUsualConnections = 8;

struct Options {
  ServerOptions server;
  bool local = false, check = false, saturation = false;
  LocalFlags here;
  std::vector<CLI::Option*> here_flags;
  BenchEventOptions events;
  bench::LoadOptions load;
  int connections = 0;  // 0: a client each, up to kUsualConnections
  int most_clients = 1024;
  double duration = 10, warm_up = 1, deadline = 60, cancel_within = 0.01;  // s
  std::string client, priority, json;
  std::int64_t server_pid = 0;
};

std::chrono::nanoseconds nanoseconds(double seconds) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

/// What is measured: a server or this process, its events, and whoever knows the right answers.
struct Setup {
  std::unique_ptr<LocalReconstructor> here;  // --local, --check
  std::unique_ptr<bench::Target> target;
  PipelineDescription pipeline;
  BenchEvents events;
};

Status connect(const Options& options, Setup& setup) {
  const auto client = options.server.connect();
  if (!client.ok()) return client.status();
  Result<PipelineDescription> pipeline = (*client)->describe(options.events.pipeline);
  if (!pipeline.ok()) return pipeline.status();
  setup.pipeline = *std::move(pipeline);
  bench::ServerTargetOptions to{options.server.address, options.connections, options.events.pipeline, {}};
  if (!options.client.empty()) to.metadata.emplace_back("helix-client", options.client);
  if (!options.priority.empty()) to.metadata.emplace_back("helix-priority", options.priority);
  auto target = std::make_unique<bench::ServerTarget>(to);
  const Status status =
      target->connect(std::chrono::milliseconds(static_cast<int>(options.server.connect_timeout * 1000)));
  setup.target = std::move(target);
  return status;
}

/// The answers of this process are right where it has the server's settings and geometry.
Status expect(const Options& options, Setup& setup) {
  const Result<PipelineDescription> own = setup.here->describe(options.events.pipeline);
  if (!own.ok()) return own.status();
  if (own->provenance.settings_digest != setup.pipeline.provenance.settings_digest ||
      own->provenance.geometry_digest != setup.pipeline.provenance.geometry_digest)
    return invalid_argument("--check: the server has another geometry or other settings than this process: name its " +
                            std::string("own by --geometry, --settings or --model"));
  for (bench::Payload& payload : setup.events.payloads) {
    const Result<Reconstruction> answer = setup.here->reconstruct(payload.call);
    if (!answer.ok()) return answer.status();
    payload.fingerprint = bench::fingerprint(*answer);
  }
  return {};
}

Status prepare(const Options& options, Setup& setup) {
  if (options.local || options.check) {
    auto here = options.here.make(options.events.pipeline);
    if (!here.ok()) return here.status();
    setup.here = std::move(*here);
  }
  if (options.local) {
    Result<PipelineDescription> pipeline = setup.here->describe(options.events.pipeline);
    if (!pipeline.ok()) return pipeline.status();
    setup.pipeline = *std::move(pipeline);
    setup.target = std::make_unique<bench::LocalTarget>(*setup.here);
  } else if (Status status = connect(options, setup); !status.ok()) {
    return status;
  }
  Result<BenchEvents> events = BenchEvents::read(options.events, setup.pipeline.hit_columns, options.load.seed);
  if (!events.ok()) return events.status();
  setup.events = *std::move(events);
  return options.check ? expect(options, setup) : Status();
}

double own_cpu_seconds() {
  const auto use = bench::process_use(::getpid());
  return use ? use->cpu_seconds : 0;
}

bench::LoadResult measure(const Options& options, const bench::LoadOptions& load, const Setup& setup, BenchUse& use) {
  const TerminalLine progress;
  double own = 0;
  std::optional<bench::ProcessUse> server;
  const auto server_use = [&] {
    return options.server_pid > 0 ? bench::process_use(options.server_pid) : std::nullopt;
  };
  bench::LoadHooks hooks;
  hooks.begins = [&] { own = own_cpu_seconds(), server = server_use(); };
  hooks.ends = [&] {
    use.client_cpu_seconds = own_cpu_seconds() - own;
    use.server_at_end = server_use();
    if (server && use.server_at_end) use.server_cpu_seconds = use.server_at_end->cpu_seconds - server->cpu_seconds;
  };
  int seconds = 0;
  hooks.each_second = [&](const bench::Second& s) {
    progress.draw(std::to_string(++seconds) + " s: " + std::to_string(s.ok) + " answers/s, " +
                  std::to_string(s.failed) + " failed, p50 " + std::to_string(bench::milliseconds(s.p50)) + " ms");
  };
  return bench::run_load(*setup.target, setup.events.payloads, load, hooks);
}

double mean_hits(const BenchEvents& events) {
  double hits = 0, weights = 0;
  for (std::size_t i = 0; i < events.payloads.size(); ++i) {
    const double weight = events.weights.empty() ? 1 : events.weights[i];
    hits += weight * static_cast<double>(events.payloads[i].hits());
    weights += weight;
  }
  return hits / weights;
}

/// Refusals for want of room or time, and what the bench cancels itself, are results; others are failures.
int exit_code_of(const bench::LoadResult& result) {
  bool failed = result.differ_in_all > 0 || result.ok == 0;
  for (const auto& [code, count] : result.codes)
    failed = failed || (code != grpc::StatusCode::OK && code != grpc::StatusCode::RESOURCE_EXHAUSTED &&
                        code != grpc::StatusCode::DEADLINE_EXCEEDED && code != grpc::StatusCode::CANCELLED);
  return failed ? kSomeFailed : kAllWell;
}

/// The file first: whoever reads stdout may end the process by closing it.
template <class Figures>
int show(const Options& options, const Figures& figures, int exit_code) {
  const Status written = options.json.empty() ? Status() : write_file(options.json, json(figures));
  std::cout << text(figures) << std::flush;
  return written.ok() ? exit_code : report(written);
}

int run_once(const Options& options, const Setup& setup) {
  BenchReport out;
  out.target = options.local ? "local" : options.server.address;
  out.pipeline = setup.pipeline;
  out.load = options.load;
  out.mean_hits = mean_hits(setup.events);
  out.events_per_request = static_cast<std::int64_t>(options.events.events_per_request);
  out.result = measure(options, options.load, setup, out.use);
  return show(options, out, exit_code_of(out.result));
}

int run_saturation(const Options& options, const Setup& setup) {
  int exit_code = kAllWell;
  const auto point = [&](int clients, double rate) {
    bench::LoadOptions load = options.load;
    load.clients = clients;
    load.rate = rate;
    BenchUse use;
    const bench::LoadResult result = measure(options, load, setup, use);
    exit_code = std::max(exit_code, exit_code_of(result));
    return bench::point_of(result, clients, rate);
  };
  const bench::Saturation found = bench::find_saturation(point, options.most_clients);
  return show(options, found, exit_code);
}

int run(Options options) {
  bench::LoadOptions& load = options.load;
  load.duration = nanoseconds(options.duration);
  load.warm_up = nanoseconds(options.warm_up);
  load.deadline = nanoseconds(options.deadline);
  load.cancel_within = nanoseconds(options.cancel_within);
  const bool many = load.rate > 0 || options.saturation;
  if (options.connections == 0)
    options.connections = many ? kUsualConnections : std::min(load.clients, kUsualConnections);
  load.connections = options.connections;
  // What the pipeline is is asked of a server that may be as busy as its requests are allowed to find it.
  options.server.ask_timeout = std::max(options.server.ask_timeout, options.deadline);
  Setup setup;
  if (const Status status = prepare(options, setup); !status.ok()) return report(status);
  load.weights = setup.events.weights;
  return options.saturation ? run_saturation(options, setup) : run_once(options, setup);
}

void add_load_options(CLI::App& command, Options& options) {
  bench::LoadOptions& load = options.load;
  CLI::Option* clients =
      command.add_option("--clients", load.clients, "closed loop: so many clients, each with one request under way");
  clients->check(CLI::Range(1, 100000))->capture_default_str();
  CLI::Option* rate = command.add_option(
      "--rate", load.rate, "open loop: so many requests a second, Poisson arrivals; latency counts from the arrival");
  rate->check(CLI::Range(0.001, 1e7))->excludes(clients);
  CLI::Option* saturation = command.add_flag(
      "--find-saturation", options.saturation,
      "1, 2, 4, ... clients, --duration for each, until throughput stops growing; then half that rate");
  saturation->excludes(clients)->excludes(rate);
  command.add_option("--most-clients", options.most_clients, "where --find-saturation ends at the latest")
      ->needs(saturation)
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--duration", options.duration, "seconds of the measurement")
      ->check(up_to_a_day())
      ->capture_default_str();
  command.add_option("--warm-up", options.warm_up, "seconds of load before it")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  command.add_option("--deadline", options.deadline, "seconds for each request")
      ->check(up_to_a_day())
      ->capture_default_str();
  command.add_option("--seed", load.seed, "of arrivals, choices and random events")->capture_default_str();
  CLI::Option* cancel = command.add_option("--cancel", load.cancel, "part of the requests that is cancelled");
  cancel->check(CLI::Range(0.0, 1.0));
  command.add_option("--cancel-within", options.cancel_within, "at a random time so many seconds after the request")
      ->needs(cancel)
      ->check(up_to_a_day())
      ->capture_default_str();
}

void add_event_options(CLI::App& command, Options& options) {
  BenchEventOptions& events = options.events;
  command.add_option("--pipeline", events.pipeline, "which; see `helixctl pipelines`")->capture_default_str();
  command.add_option("EVENT", events.arguments, "events as for `helixctl reconstruct`, taken by turns");
  command
      .add_option("--hits", events.hits, "N,...: events of so many random hits too, all on the geometry's first module")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 100000000));
  command.add_option("--mix", events.mix, "W,...: how often events of each EVENT, then of each of --hits, are sent")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(0.001, 1e6));
  command.add_option("--events-per-request", events.events_per_request, "events in one request")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--min-quality", events.min_quality, "leave out tracks below: 0 all, 1 loose, 2 tight")
      ->check(CLI::Range(0, 2));
}

/// What only a server has.
void add_server_options(CLI::App& command, Options& options) {
  options.server.add_address_to(command);
  command.add_option("--connections", options.connections, "to the server; default: one a client, at most 8")
      ->check(CLI::Range(1, 10000));
  command.add_option("--client", options.client, "name of the client, for fair shares");
  command.add_option("--priority", options.priority, "class of the requests");
  command.add_option("--server-pid", options.server_pid, "process of a server on this machine: its CPU time, memory")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 32));
}

/// Flags that would do nothing are refused.
void add_here_options(CLI::App& command, Options& options) {
  CLI::Option* local = command.add_flag("--local", options.local, "this process instead, one request after the other");
  for (const char* name : {"--server", "--connect-timeout", "--connections", "--client", "--priority", "--server-pid"})
    local->excludes(command.get_option(name));
  command.add_flag("--check", options.check, "compare each answer, byte by byte, with that of this process");
  options.here_flags = options.here.add_to(command);
}

/// CLI11 knows no "one of two".
void check_here(const Options& options) {
  if (options.local || options.check) return;
  for (const CLI::Option* flag : options.here_flags)
    if (flag->count() > 0) throw CLI::RequiresError(flag->get_name(), "--local or --check");
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("bench", "Throughput and latency of a server, or --local");
  add_server_options(*command, *options);
  add_here_options(*command, *options);
  add_load_options(*command, *options);
  add_event_options(*command, *options);
  command->add_option("--json", options->json, "write all figures to this file");
  command->callback([options, &exit_code] {
    check_here(*options);
    exit_code = run(*options);
  });
}

}  // namespace helix::helixctl
