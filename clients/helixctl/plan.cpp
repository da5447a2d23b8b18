#include "clients/helixctl/plan.h"

#include "clients/helixctl/options.h"
#include "kernels/core/file.h"

#include <iostream>
#include <memory>
#include <string>

namespace helix::helixctl {
namespace {

using server::simulation::Report;
using server::simulation::Scenario;

struct Options {
  Scenario scenario{.groups = {{.clients = 64}}};
  std::string hits = "15000";
  std::string from_bench;
  bool json = false;
};

/// What was measured, as if it was said on the command line, where nothing else is.
Status use_bench(const std::string& path, CLI::App& command) {
  const Result<std::string> text = read_file(path);
  if (!text.ok()) return text.status();
  const auto measured = read_bench(*text);
  if (!measured.ok()) return invalid_argument(path + ": " + measured.status().message());
  for (const auto& [flag, value] : *measured) {
    CLI::Option& option = *command.get_option(flag);
    if (option.count() > 0) continue;
    try {
      option.add_result(value);
      option.run_callback();
    } catch (const CLI::ParseError& error) {
      return invalid_argument(path + ": " + error.what());
    }
  }
  return {};
}

int run(Options& options, CLI::App& command) {
  if (!options.from_bench.empty())
    if (const Status status = use_bench(options.from_bench, command); !status.ok()) return report(status);
  options.scenario.groups[0].sizes = *parse_sizes(options.hits);
  const Report result = server::simulation::simulate(options.scenario);
  std::cout << (options.json ? plan_json(options.scenario, options.hits, result) : plan_text(options.scenario, result));
  return kAllWell;
}

void add_load(CLI::App& command, server::simulation::ClientGroup& load) {
  command.add_option("--clients", load.clients, "clients")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command.add_option("--rate", load.rate, "requests a second of all clients together; 0: each waits for its answer")
      ->check(CLI::Range(0.0, 1e7))
      ->capture_default_str();
  command.add_option("--think-ms", load.think_ms, "mean time from an answer to the next request, without --rate")
      ->check(CLI::Range(0.0, 1e7))
      ->capture_default_str();
  command.add_option("--deadline-ms", load.deadline_ms, "of a request; 0: none")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str();
}

void add_server(CLI::App& command, Scenario& server) {
  auto& limits = server.batcher.limits;
  command.add_option("--lanes", server.lanes, "lanes of the server")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command.add_option("--fixed-ms", server.lane.fixed_ms, "what a batch takes a lane, whatever its size")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--per-kilohit-ms", server.lane.per_kilohit_ms, "what 1000 hits take a lane")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--max-events", limits.max_events, "batch.max_events of the server")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command.add_option("--overhead", limits.overhead, "batch.overhead of the server")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--max-requests", server.budget.max_requests, "queue.max_requests of the server")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
}

}  // namespace

void add_plan(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("plan", "What a server would do under a load: its queue and batches in virtual time");
  add_load(*command, options->scenario.groups[0]);
  command
      ->add_option("--hits", options->hits, "hits of an event, or several sizes with their shares: 3000:0.7,36000:0.3")
      ->check([](const std::string& text) { return parse_sizes(text).status().message(); })
      ->capture_default_str();
  add_server(*command, options->scenario);
  command->add_option("--from-bench", options->from_bench,
                      "lanes, cost and hits from a file of `helixctl bench --json`, where no flag says otherwise");
  command->add_option("--seconds", options->scenario.seconds, "of virtual time, after 5 s of warm-up")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  command->add_option("--seed", options->scenario.seed, "the same seed gives the same figures")->capture_default_str();
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options, command, &exit_code] { exit_code = run(*options, *command); });
}

}  // namespace helix::helixctl
