#include "clients/cpp/admin.h"

#include "clients/cpp/json_writer.h"
#include "clients/helixctl/options.h"
#include "kernels/core/file.h"

#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

namespace helix::helixctl {
namespace {

/// The two largest units: 42 s, 3 min 4 s, 1 h 5 min, 12 d 3 h.
std::string text(std::chrono::milliseconds time) {
  const std::int64_t s = time.count() / 1000;
  const auto two = [](std::int64_t large, const char* unit, std::int64_t small, const char* smaller) {
    return std::to_string(large) + unit + " " + std::to_string(small) + smaller;
  };
  if (s < 60) return std::to_string(s) + " s";
  if (s < 3600) return two(s / 60, " min", s % 60, " s");
  if (s < 86400) return two(s / 3600, " h", s / 60 % 60, " min");
  return two(s / 86400, " d", s / 3600 % 24, " h");
}

void print(const ServerState& s, const std::string& address) {
  std::cout << "helixd " << s.version << " at " << address << ", process " << s.pid << ", up " << text(s.uptime)
            << (s.draining ? ", DRAINING" : "") << "\n"
            << "  " << s.calls << " calls under way, " << s.reloads << " reloads, log level " << s.log_level << "\n";
  for (const PipelineState& p : s.pipelines) {
    std::cout << p.name << ": " << p.health << "\n"
              << "  " << p.lanes_in_service << " of " << p.devices.size() << " lanes in service (" << p.backend << ")\n"
              << "  " << p.waiting << " requests wait; " << p.requests << " of " << p.max_requests
              << " wait or run, with " << p.bytes << " of " << p.max_bytes << " bytes\n"
              << "  geometry " << p.geometry << ", settings " << p.settings_digest.substr(0, 12) << "\n";
  }
}

void put(JsonWriter& json, const PipelineState& p) {
  json.open('{').key("name").value(p.name).key("health").value(p.health).key("backend").value(p.backend);
  json.key("devices").value(p.devices).key("lanes_in_service").value(std::uint64_t{p.lanes_in_service});
  json.key("waiting").value(std::uint64_t{p.waiting}).key("requests").value(std::uint64_t{p.requests});
  json.key("bytes").value(p.bytes).key("max_requests").value(std::uint64_t{p.max_requests});
  json.key("max_bytes").value(p.max_bytes).key("geometry").value(p.geometry);
  json.key("geometry_digest").value(p.geometry_digest).key("settings_digest").value(p.settings_digest).close('}');
}

std::string json_of(const ServerState& s) {
  JsonWriter json;
  json.open('{').key("version").value(s.version).key("pid").value(std::uint64_t{s.pid});
  json.key("uptime_ms").value(std::int64_t{s.uptime.count()}).key("draining").value(s.draining);
  json.key("calls").value(std::uint64_t{s.calls}).key("reloads").value(std::uint64_t{s.reloads});
  json.key("log_level").value(s.log_level).key("pipelines").open('[');
  for (const PipelineState& pipeline : s.pipelines) put(json, pipeline);
  return json.close(']').close('}').text();
}

/// A subcommand that does one thing at a server.
using Task = std::function<Status(Admin&, const ServerOptions&)>;

CLI::App* add(CLI::App& app, const std::string& name, const std::string& help, int& exit_code, const Task& task,
              void (ServerOptions::*add_options)(CLI::App&) = &ServerOptions::add_to) {
  auto server = std::make_shared<ServerOptions>();
  CLI::App* command = app.add_subcommand(name, help);
  (server.get()->*add_options)(*command);
  command->callback([server, task, &exit_code] {
    auto admin = Admin::connect(server->client_options());
    const Status status = admin.ok() ? task(**admin, *server) : admin.status();
    exit_code = status.ok() ? static_cast<int>(kAllWell) : report(status);
  });
  return command;
}

Status print_state(Admin& admin, const ServerOptions& server, bool json) {
  const auto state = admin.state();
  if (!state.ok()) return state.status();
  if (json)
    std::cout << json_of(*state);
  else
    print(*state, server.address);
  return {};
}

Status reload(Admin& admin) {
  const auto not_changed = admin.reload();
  if (!not_changed.ok()) return not_changed.status();
  std::cout << "reloaded\n";
  for (const std::string& setting : *not_changed)
    std::cerr << "helixctl: " << setting << " changes with a restart only\n";
  return {};
}

Status trace(Admin& admin, const std::string& file) {
  const auto json = admin.trace();
  if (!json.ok()) return json.status();
  if (!file.empty()) return write_file(file, *json);
  std::cout << *json;
  return {};
}

}  // namespace

void add_status(CLI::App& app, int& exit_code) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command =
      add(app, "status", "What the server is at: pipelines, lanes, queue, health, version, uptime", exit_code,
          [json](Admin& admin, const ServerOptions& server) { return print_state(admin, server, *json); });
  command->add_flag("--json", *json, "as JSON");
}

void add_drain(CLI::App& app, int& exit_code) {
  add(app, "drain", "Ends the server when requests under way are answered, as SIGTERM", exit_code,
      [](Admin& admin, const ServerOptions&) { return admin.drain(); });
}

void add_reload(CLI::App& app, int& exit_code) {
  add(
      app, "reload", "The server reads settings, geometry and models again, as SIGHUP, and this waits for it",
      exit_code, [](Admin& admin, const ServerOptions&) { return reload(admin); }, &ServerOptions::add_with_reload_to);
}

void add_trace(CLI::App& app, int& exit_code) {
  auto file = std::make_shared<std::string>();
  CLI::App* command =
      add(app, "trace", "The last batches as a trace for Perfetto (ui.perfetto.dev) or chrome://tracing", exit_code,
          [file](Admin& admin, const ServerOptions&) { return trace(admin, *file); });
  command->add_option("--out", *file, "write it to this file")->default_str("standard output");
}

void add_log_level(CLI::App& app, int& exit_code) {
  auto level = std::make_shared<std::string>();
  CLI::App* command = add(app, "log-level", "The least level that the server logs, until the next reload", exit_code,
                          [level](Admin& admin, const ServerOptions&) { return admin.set_log_level(*level); });
  command->add_option("LEVEL", *level, "debug, info, warn or error")
      ->required()
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
}

}  // namespace helix::helixctl
