#include "clients/cpp/hit_batch.h"
#include "clients/helixctl/commands.h"
#include "clients/helixctl/event_batch.h"
#include "clients/helixctl/options.h"
#include "kernels/event/trackml_csv.h"
#include "kernels/patatrack/config_io.h"
#include "kernels/patatrack/feature_table.h"

#include <fstream>
#include <iostream>
#include <memory>

namespace helix::helixctl {
namespace {

struct FeatureOptions {
  std::string geometry = "config/geometry/phase1", settings, out;
  std::array<double, 3> beam_spot{};
  std::vector<std::string> events;
};

void write_header(std::ostream& out) {
  out << "event,layers,candidate,hit_ids";
  for (const char* name : kFeatureNames) out << "," << name;
  out << "\n";
}

void write_rows(std::ostream& out, const std::string& event, const EventHits& hits,
                const patatrack::FeatureTable& table) {
  for (std::size_t t = 0; t < table.layers.size(); ++t) {
    out << event << "," << table.layers[t] << "," << int{table.candidate[t]} << ",";
    for (Index k = table.hit_offsets[t]; k < table.hit_offsets[t + 1]; ++k)
      out << (k > table.hit_offsets[t] ? " " : "")
          << hits.hit_id[static_cast<std::size_t>(table.hit[static_cast<std::size_t>(k)])];
    for (const float value : table.features[t]) out << "," << value;
    out << "\n";
  }
}

Status write_event(std::ostream& out, const EventFile& file, const Detector& detector, const patatrack::Config& config,
                   const BeamSpot& beam_spot) {
  const Result<EventHits> hits = read_hits(file.hits);
  if (!hits.ok()) return hits.status();
  const EventHits* one = &*hits;
  const EventBatch batch({&one, 1});
  HitBatchColumns columns;
  const Result<HitBatch> view = make_batch(batch.hits(), detector, beam_spot, HitLimits{}, columns);
  if (!view.ok()) return {view.status().code(), hits->path + ": " + view.status().message()};
  write_rows(out, file.prefix, *hits, patatrack::make_feature_table(*view, detector, config));
  return {};
}

Status write_all(const FeatureOptions& options) {
  const Result<Detector> detector = load_detector(options.geometry);
  if (!detector.ok()) return detector.status();
  Result<patatrack::Config> config = patatrack::Config{};
  if (!options.settings.empty()) config = patatrack::load_config(options.settings);
  if (!config.ok()) return config.status();
  std::ofstream out(options.out);
  write_header(out);
  const BeamSpot spot{static_cast<float>(options.beam_spot[0]), static_cast<float>(options.beam_spot[1]),
                      static_cast<float>(options.beam_spot[2])};
  for (const std::string& path : options.events) {
    const Result<std::vector<EventFile>> files = find_events(path);
    if (!files.ok()) return files.status();
    for (const EventFile& file : *files)
      if (Status status = write_event(out, file, *detector, *config, spot); !status.ok()) return status;
  }
  out.close();
  return out ? Status() : invalid_argument(options.out + ": cannot be written");
}

}  // namespace

void add_features(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<FeatureOptions>();
  CLI::App* command =
      app.add_subcommand("features", "Writes the features of all n-tuplets, for scripts/derive-selection");
  command->add_option("--geometry", options->geometry, "folder of the geometry")->capture_default_str();
  command->add_option("--settings", options->settings, "TOML file with settings of the pipeline");
  command->add_option("--out", options->out, "CSV file to write")->required();
  add_point(*command, "--beam-spot", options->beam_spot, "beam line, mm");
  command->add_option("EVENT", options->events, "event prefixes, files or folders")->required();
  command->callback([options, &exit_code] {
    if (const Status status = write_all(*options); !status.ok()) exit_code = report(status);
  });
}

}  // namespace helix::helixctl
