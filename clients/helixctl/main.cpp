#include "clients/helixctl/commands.h"

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  using namespace helix::helixctl;
  int exit_code = kAllWell;
  CLI::App app(
      "Client of helixd, the track reconstruction daemon. Exit codes: 0 all well, 1 some events failed, "
      "2 bad usage or bad input file, 3 no server.",
      "helixctl");
  app.set_version_flag("--version", HELIX_VERSION);
  app.require_subcommand(1);
  add_reconstruct(app, exit_code);
  add_bench(app, exit_code);
  add_pipelines(app, exit_code);
  add_health(app, exit_code);
  add_validate(app, exit_code);
  add_features(app, exit_code);
  add_plan(app, exit_code);
  add_status(app, exit_code);
  add_drain(app, exit_code);
  add_reload(app, exit_code);
  add_trace(app, exit_code);
  add_log_level(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kAllWell : kBadInput;
  } catch (const std::exception& error) {
    std::cerr << "helixctl: " << error.what() << "\n";
    return kSomeFailed;
  }
  return exit_code;
}
