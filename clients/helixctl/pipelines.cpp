#include "clients/cpp/json_writer.h"
#include "clients/helixctl/options.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace helix::helixctl {
namespace {

struct Options {
  ServerOptions server;
  std::string pipeline;
  bool json = false;
};

void print_parameters(const std::vector<ParameterDescription>& parameters) {
  std::vector<std::vector<std::string>> rows{{"stage", "name", "value", "unit", "range", "what"}};
  for (const auto& p : parameters) rows.push_back({p.stage, p.name, p.value, p.unit, p.range, p.help});
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const auto& row : rows) {
    std::cout << "  ";
    for (std::size_t i = 0; i < row.size(); ++i)
      std::cout << std::left << std::setw(static_cast<int>(widths[i])) << row[i] << (i + 1 < row.size() ? "  " : "\n");
  }
}

void print(const PipelineDescription& d) {
  const Provenance& p = d.provenance;
  std::cout << p.pipeline << " " << p.version << " (" << p.backend << ")\n"
            << "  geometry " << p.geometry << ": " << d.modules << " modules, " << d.layers << " layers, " << d.field
            << " T, " << p.geometry_digest << "\n"
            << "  settings " << p.settings_digest << "\n";
  for (const std::string& device : d.devices) std::cout << "  device " << device << "\n";
  std::cout << "  one request: up to " << d.max_events << " events, " << d.max_hits << " hits, " << d.max_hits_per_event
            << " hits an event, " << d.max_message_bytes << " bytes\n"
            << "  memory budget " << d.memory_budget_bytes << " bytes\n";
  if (!d.hit_columns.empty()) {
    std::cout << "  columns of hits beside positions"
              << (d.hit_columns_needed ? ", all needed" : ", where they are there") << ":";
    for (const std::string& column : d.hit_columns) std::cout << " " << column;
    std::cout << "\n";
  }
  print_parameters(d.parameters);
}

void put(JsonWriter& json, const PipelineDescription& d) {
  const Provenance& p = d.provenance;
  json.open('{').key("pipeline").value(p.pipeline).key("version").value(p.version).key("backend").value(p.backend);
  json.key("geometry").value(p.geometry).key("geometry_digest").value(p.geometry_digest);
  json.key("settings_digest").value(p.settings_digest);
  json.key("modules").value(std::uint64_t{d.modules}).key("layers").value(std::uint64_t{d.layers});
  json.key("field").value(d.field).key("devices").value(d.devices);
  json.key("limits").open('{').key("max_events").value(d.max_events).key("max_hits").value(d.max_hits);
  json.key("max_hits_per_event").value(d.max_hits_per_event).key("max_message_bytes").value(d.max_message_bytes);
  json.key("memory_budget_bytes").value(d.memory_budget_bytes).close('}');
  json.key("hit_columns").value(d.hit_columns).key("hit_columns_needed").value(d.hit_columns_needed);
  json.key("parameters").open('[');
  for (const auto& s : d.parameters) {
    json.open('{').key("stage").value(s.stage).key("name").value(s.name).key("value").value(s.value);
    json.key("unit").value(s.unit).key("range").value(s.range).key("help").value(s.help).close('}');
  }
  json.close(']').close('}');
}

int run(const Options& options) {
  auto client = options.server.connect();
  if (!client.ok()) return report(client.status());
  std::vector<std::string> names{options.pipeline};
  if (options.pipeline.empty()) {
    const auto listed = (*client)->pipelines();
    if (!listed.ok()) return report(listed.status());
    names = *listed;
  }
  JsonWriter json;
  json.open('[');
  for (const std::string& name : names) {
    const auto description = (*client)->describe(name);
    if (!description.ok()) return report(description.status());
    options.json ? put(json, *description) : print(*description);
  }
  if (options.json) std::cout << json.close(']').text();
  return kAllWell;
}

}  // namespace

void add_pipelines(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("pipelines", "What the server's pipelines are: geometry, settings, limits");
  options->server.add_to(*command);
  command->add_option("PIPELINE", options->pipeline, "only this one");
  command->add_flag("--json", options->json, "as JSON, an object a pipeline");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace helix::helixctl
