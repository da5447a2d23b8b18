#include "clients/helixctl/options.h"

#include <chrono>
#include <iostream>

namespace helix::helixctl {
namespace {

constexpr double kReloadTimeout = 300;  // s: models are read, lanes warmed

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

void add_timeout(CLI::App& command, double& seconds, const std::string& help) {
  command.add_option("--timeout", seconds, help)->check(up_to_a_day())->capture_default_str();
}

}  // namespace

CLI::Range up_to_a_day() { return {0.001, 86400.0}; }

void ServerOptions::add_address_to(CLI::App& command) {
  command.add_option("--server", address, "HOST:PORT of the server; default: environment HELIX_SERVER, else this")
      ->capture_default_str();
  command.add_option("--connect-timeout", connect_timeout, "seconds to wait for the server")
      ->check(up_to_a_day())
      ->capture_default_str();
}

void ServerOptions::add_to(CLI::App& command) {
  add_address_to(command);
  add_timeout(command, ask_timeout, "seconds to wait for each answer");
}

void ServerOptions::add_with_events_to(CLI::App& command) {
  add_address_to(command);
  add_timeout(command, timeout, "seconds for one request, and as many again for each million hits");
}

void ServerOptions::add_with_reload_to(CLI::App& command) {
  add_address_to(command);
  timeout = kReloadTimeout;
  add_timeout(command, timeout, "seconds to wait for the reload, which goes on at the server after that too");
}

ClientOptions ServerOptions::client_options() const {
  ClientOptions options;
  options.address = address;
  options.connect_timeout = milliseconds(connect_timeout);
  options.timeout = milliseconds(timeout);
  options.ask_timeout = milliseconds(ask_timeout);
  return options;
}

Result<std::unique_ptr<Client>> ServerOptions::connect() const { return Client::connect(client_options()); }

int report(const Status& status) {
  std::cerr << "helixctl: " << status.message() << "\n";
  switch (status.code()) {
    case Code::ok:
      return kAllWell;
    case Code::unavailable:
      return kNoServer;
    case Code::invalid_argument:
    case Code::not_found:
      return kBadInput;
    default:
      return kSomeFailed;
  }
}

}  // namespace helix::helixctl
