#include "clients/helixctl/options.h"
#include "clients/validation/folder.h"
#include "clients/validation/report.h"
#include "kernels/core/file.h"

#include <array>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

namespace helix::helixctl {
namespace {

struct Options {
  std::string events, tracks, json;
  validation::Cuts cuts;
  std::array<double, 3> beam_spot{};
  std::optional<double> field;
  bool skip_missing = false;
};

int run(const Options& options) {
  const validation::Frame frame{options.field ? *options.field : validation::guess_field(options.events),
                                options.beam_spot};
  const auto totals =
      validation::score_folders(options.events, options.tracks, options.cuts, frame, options.skip_missing);
  if (!totals.ok()) return report(totals.status());
  validation::print(std::cout, *totals);
  if (options.json.empty()) return kAllWell;
  const Status written = write_file(options.json, validation::to_json(*totals, options.cuts, frame));
  return written.ok() ? kAllWell : report(written);
}

}  // namespace

void add_validate(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("validate", "Efficiency, fakes, resolutions and vertices against truth");
  validation::Cuts& cuts = options->cuts;
  command->add_option("EVENTS", options->events, "folder of TrackML events with truth")->required();
  command->add_option("TRACKS", options->tracks, "folder of eventN-tracks.csv and eventN-reco-vertices.csv")
      ->required();
  command->add_option("--min-hits", cuts.min_hits, "distinct layers a particle must have hits on")
      ->capture_default_str();
  command->add_option("--min-pt", cuts.min_pt, "of a particle, GeV")->capture_default_str();
  command->add_option("--max-eta", cuts.max_eta, "of a particle")->capture_default_str();
  command->add_option("--max-radius", cuts.max_radius, "of its production point, mm")->capture_default_str();
  command->add_option("--max-vz", cuts.max_vz, "of its production point, mm")->capture_default_str();
  command->add_option("--vertex-min-pt", cuts.vertex_min_pt, "of an interaction's particles, GeV")
      ->capture_default_str();
  command->add_option("--vertex-min-tracks", cuts.vertex_min_tracks, "particles an interaction must have")
      ->capture_default_str();
  command->add_option("--min-quality", cuts.min_quality, "use only tracks of at least this quality");
  add_point(*command, "--beamspot,--beam-spot", options->beam_spot, "that the parameters are relative to, mm");
  command->add_option("--field", options->field, "T; default from detectors.csv: 3.8 for phase1, else 2")
      ->check(CLI::Range(0.001, 100.0));
  command->add_flag("--skip-missing", options->skip_missing, "leave out events without tracks");
  command->add_option("--json", options->json, "write all figures to this file");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace helix::helixctl
