#pragma once

#include "clients/cpp/client.h"
#include "clients/helixctl/commands.h"

#include <CLI/CLI.hpp>

#include <array>
#include <string>

namespace helix::helixctl {

/// Seconds that an option may name.
CLI::Range up_to_a_day();

/// --server, --connect-timeout, --timeout of the subcommands that talk to a server.
struct ServerOptions {
  std::string address = default_address();
  double connect_timeout = 5;  // s
  double timeout = 60;         // s, and as much again for each million hits; of a reload
  double ask_timeout = 10;     // s, of a small call

  /// For subcommands that ask small things, that send events, that reload; and all but --timeout.
  void add_to(CLI::App& command);
  void add_with_events_to(CLI::App& command);
  void add_with_reload_to(CLI::App& command);
  void add_address_to(CLI::App& command);
  ClientOptions client_options() const;
  /// errors: unavailable, with the address
  Result<std::unique_ptr<Client>> connect() const;
};

/// Adds `name` X,Y,Z to a std::array<double, 3>, or an optional one; mm.
template <class Point>
CLI::Option* add_point(CLI::App& command, const std::string& name, Point& point, const std::string& help) {
  return command.add_option(name, point, help)->delimiter(',')->type_name("X,Y,Z");
}

/// Says what is wrong on stderr and returns the exit code for it.
int report(const Status& status);

}  // namespace helix::helixctl
