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
  PlanOptions plan;
  std::string from_bench;
  bool json = false;
};

int run(Options& options, const CLI::App& command) {
  if (!options.from_bench.empty()) {
    const Result<std::string> text = read_file(options.from_bench);
    if (!text.ok()) return report(text.status());
    PlanOptions measured = options.plan;
    if (const Status status = read_bench(*text, options.from_bench, measured); !status.ok()) return report(status);
    // what is said on the command line goes before what was measured
    if (command.count("--lanes") == 0) options.plan.lanes = measured.lanes;
    if (command.count("--fixed-ms") == 0) options.plan.fixed_ms = measured.fixed_ms;
    if (command.count("--per-kilohit-ms") == 0) options.plan.per_kilohit_ms = measured.per_kilohit_ms;
    if (command.count("--hits") == 0) options.plan.hits = measured.hits;
  }
  const Result<Scenario> scenario = scenario_of(options.plan);
  if (!scenario.ok()) return report(scenario.status());
  const Report result = server::simulation::simulate(*scenario);
  std::cout << (options.json ? plan_json(options.plan, result) : plan_text(options.plan, result));
  return kAllWell;
}

void add_load(CLI::App& command, PlanOptions& plan) {
  command.add_option("--clients", plan.clients, "clients")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command.add_option("--rate", plan.rate, "requests a second of all clients together; 0: each waits for its answer")
      ->check(CLI::Range(0.0, 1e7))
      ->capture_default_str();
  command.add_option("--think-ms", plan.think_ms, "mean time from an answer to the next request, without --rate")
      ->check(CLI::Range(0.0, 1e7))
      ->capture_default_str();
  command.add_option("--hits", plan.hits, "hits of an event, or several sizes with their shares: 3000:0.7,36000:0.3")
      ->capture_default_str();
  command.add_option("--deadline-ms", plan.deadline_ms, "of a request; 0: none")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str();
}

void add_server(CLI::App& command, PlanOptions& plan) {
  command.add_option("--lanes", plan.lanes, "lanes of the server")->check(CLI::Range(1, 10'000))->capture_default_str();
  command.add_option("--fixed-ms", plan.fixed_ms, "what a batch takes a lane, whatever its size")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--per-kilohit-ms", plan.per_kilohit_ms, "what 1000 hits take a lane")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--max-events", plan.max_events, "batch.max_events of the server")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command.add_option("--overhead", plan.overhead, "batch.overhead of the server")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--max-requests", plan.max_requests, "queue.max_requests of the server")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
}

}  // namespace

void add_plan(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("plan", "What a server would do under a load: its queue and batches in virtual time");
  add_load(*command, options->plan);
  add_server(*command, options->plan);
  command->add_option("--from-bench", options->from_bench,
                      "lanes, cost and hits from a file of `helixctl bench --json`, where no flag says otherwise");
  command->add_option("--seconds", options->plan.seconds, "of virtual time, after 5 s of warm-up")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  command->add_option("--seed", options->plan.seed, "the same seed gives the same figures")->capture_default_str();
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options, command, &exit_code] { exit_code = run(*options, *command); });
}

}  // namespace helix::helixctl
