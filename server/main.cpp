#include "kernels/geometry/detector.h"
#include "server/config/load.h"
#include "server/lanes/engines.h"
#include "server/observe/log.h"
#include "server/pipeline.h"
#include "server/serve.h"

#include <exception>
#include <iostream>

namespace {

using namespace helix::server;
using helix::Result;

int complain(const helix::Status& status) {
  std::cerr << "helixd: " << status.message() << "\n";
  return kBadUsage;
}

int check(const Options& options) {
  const auto detector = helix::load_detector(options.server.geometry);
  if (!detector.ok()) return complain(detector.status());
  if (const auto pipeline = pipeline_options(options); !pipeline.ok()) return complain(pipeline.status());
  const auto models = make_model_lanes(options);
  if (!models.ok()) return complain(models.status());
  std::cout << "helixd: settings and geometry " << detector->name;
  for (const ModelLanes& lanes : *models) std::cout << ", model " << lanes.model.name;
  std::cout << " are good\n";
  return 0;
}

int run(int argc, char** argv) {
  Signals signals;  // before any thread
  const auto line = read_command_line(argc, argv);
  if (!line.ok()) return complain(line.status());
  switch (line->task) {
    case CommandLine::Task::print_text:
      std::cout << line->text;
      return 0;
    case CommandLine::Task::print_config:
      std::cout << print_options(line->options);
      return 0;
    case CommandLine::Task::check_config:
      return check(line->options);
    case CommandLine::Task::serve:
      break;
  }
  log::configure(line->options.log.level, line->options.log.format);
  const auto read_again = [argc, argv]() -> Result<Options> {
    auto again = read_command_line(argc, argv);
    if (!again.ok()) return again.status();
    return again->options;
  };
  return serve(line->options, read_again, signals);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "helixd: " << error.what() << "\n";
    return kNotStarted;
  }
}
