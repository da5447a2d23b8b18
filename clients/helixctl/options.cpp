#include "clients/helixctl/options.h"

#include <chrono>
#include <iostream>

namespace helix::helixctl {
namespace {

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
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
  command.add_option("--timeout", timeout, "seconds for one request, and as many again for each million hits")
      ->check(up_to_a_day())
      ->capture_default_str();
}

ClientOptions ServerOptions::client_options() const {
  ClientOptions options;
  options.address = address;
  options.connect_timeout = milliseconds(connect_timeout);
  options.timeout = milliseconds(timeout);
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
