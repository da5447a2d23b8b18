#include "clients/helixctl/options.h"

#include <iostream>
#include <memory>
#include <string>

namespace helix::helixctl {
namespace {

struct Options {
  ServerOptions server;
  std::string service;
};

int run(const Options& options) {
  auto client = options.server.connect();
  if (!client.ok()) return report(client.status());
  const auto healthy = (*client)->healthy(options.service);
  if (!healthy.ok()) return report(healthy.status());
  const std::string name = options.service.empty() ? "server" : options.service;
  std::cout << name << " at " << (*client)->address() << ": " << (*healthy ? "SERVING" : "NOT_SERVING") << "\n";
  return *healthy ? kAllWell : kSomeFailed;
}

}  // namespace

void add_health(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("health", "Whether the server takes work: exit code 0 where it does");
  options->server.add_to(*command);
  command->add_option("SERVICE", options->service, "a pipeline, as in `helixctl pipelines`; default: the server");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace helix::helixctl
