#include "clients/cpp/in_flight.h"
#include "clients/helixctl/event_run.h"
#include "clients/helixctl/local_options.h"
#include "clients/helixctl/options.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace helix::helixctl {
namespace {

struct Options {
  ServerOptions server;
  bool local = false;
  LocalFlags here;
  EventRunOptions run;
  std::optional<std::array<double, 3>> beam_spot;
  int in_flight = 4;
  std::size_t batch = 1;
  std::vector<std::string> events;
};

/// The events of all arguments; an argument that names none is said and counted by `missing`.
template <class Missing>
std::vector<EventFile> list_events(const std::vector<std::string>& arguments, Missing missing) {
  std::vector<EventFile> files;
  for (const std::string& argument : arguments) {
    Result<std::vector<EventFile>> found = find_events(argument);
    if (found.ok())
      files.insert(files.end(), found->begin(), found->end());
    else
      missing(found.status());
  }
  return files;
}

/// Two events of one name would be written over each other.
Status check_names(const std::vector<EventFile>& files) {
  std::map<std::string, std::string> seen;
  for (const EventFile& file : files) {
    const auto [first, is_new] = seen.emplace(file.name, file.hits);
    if (!is_new)
      return invalid_argument(first->second + " and " + file.hits + " would both be written as " + file.name +
                              ": reconstruct them one after the other, into different folders");
  }
  return {};
}

Status make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? invalid_argument(folder + ": " + error.message()) : Status();
}

Result<std::unique_ptr<Reconstructor>> make_reconstructor(const Options& options) {
  if (options.local) {
    auto local = options.here.make(options.run.pipeline);
    if (!local.ok()) return local.status();
    return std::unique_ptr<Reconstructor>(std::move(*local));
  }
  auto client = options.server.connect();
  if (!client.ok()) return client.status();
  return std::unique_ptr<Reconstructor>(std::move(*client));
}

std::string summary(const EventRunTotals& t, double seconds) {
  char text[256];
  std::snprintf(text, sizeof text, "%lld events, %lld hits, %lld tracks, %lld vertices in %.2f s, %.1f events/s",
                static_cast<long long>(t.written), static_cast<long long>(t.hits), static_cast<long long>(t.tracks),
                static_cast<long long>(t.vertices), seconds,
                seconds > 0 ? static_cast<double>(t.written) / seconds : 0.0);
  std::string line = text;
  if (t.failed > 0) line += "; " + std::to_string(t.failed) + " failed";
  if (t.unreadable > 0) line += "; " + std::to_string(t.unreadable) + " not readable";
  return line;
}

int exit_code_of(const EventRunTotals& totals) {
  if (totals.server_lost) return kNoServer;
  if (totals.unreadable > 0) return kBadInput;
  return totals.failed > 0 ? kSomeFailed : kAllWell;
}

int run(Options options) {
  if (options.beam_spot) {
    const auto [x, y, z] = *options.beam_spot;
    options.run.beam_spot = BeamSpot{static_cast<float>(x), static_cast<float>(y), static_cast<float>(z)};
  }
  std::vector<Status> missing;
  const std::vector<EventFile> files =
      list_events(options.events, [&](const Status& status) { missing.push_back(status); });
  for (const Status& status : {check_names(files), make_folder(options.run.out)})
    if (!status.ok()) return report(status);
  auto reconstructor = make_reconstructor(options);
  if (!reconstructor.ok()) return report(reconstructor.status());
  const auto pipeline = (*reconstructor)->describe(options.run.pipeline);
  if (!pipeline.ok()) return report(pipeline.status());
  options.run.hit_columns = pipeline->hit_columns;

  const auto start = std::chrono::steady_clock::now();
  EventRunTotals totals;
  {
    Progress progress(files.size());
    EventRun events(options.run, **reconstructor, progress);
    for (const Status& status : missing) events.unreadable(status);
    const std::size_t n_batches = (files.size() + options.batch - 1) / options.batch;
    run_in_flight(options.in_flight, n_batches, [&](std::size_t i) {
      const std::size_t first = i * options.batch, n = std::min(options.batch, files.size() - first);
      events.run(Span<const EventFile>(files).subspan(first, n));
    });
    totals = events.totals();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cerr << summary(totals, seconds) << "\n";
  return exit_code_of(totals);
}

}  // namespace

void add_reconstruct(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("reconstruct", "Tracks and vertices of events, from a server or --local");
  options->server.add_with_events_to(*command);
  CLI::Option* local = command->add_flag("--local", options->local, "in this process, without a server");
  local->excludes(command->get_option("--server"));
  for (CLI::Option* option : options->here.add_to(*command)) option->needs(local);
  command->add_option("--pipeline", options->run.pipeline, "which; see `helixctl pipelines`")->capture_default_str();
  command->add_option("--out", options->run.out, "folder for eventN-tracks.csv and eventN-reco-vertices.csv")
      ->required();
  command->add_flag("--labels", options->run.labels, "write eventN-labels.csv too: hit_id, track_id");
  add_point(*command, "--beam-spot,--beamspot", options->beam_spot,
            "beam line of the events, mm; default: the server's");
  command->add_option("--min-quality", options->run.min_quality, "leave out tracks below: 0 all, 1 loose, 2 tight")
      ->check(CLI::Range(0, 2));
  command->add_option("--in-flight", options->in_flight, "requests under way at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--batch", options->batch, "events in one request")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option("EVENT", options->events,
                   "event prefix, hits file, or folder of events (TrackML); or a CSV of space points with "
                   "measurement_id, x, y, z")
      ->required();
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace helix::helixctl
