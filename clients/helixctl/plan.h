#pragma once

#include "kernels/core/status.h"
#include "server/simulation/simulation.h"

#include <string>
#include <vector>

namespace helix::helixctl {

/// "15000" or "3000:0.7, 36000:0.3": hits of an event, and the share of those that have so many.
/// errors: invalid_argument, which names the entry
Result<std::vector<server::simulation::SizeShare>> parse_sizes(const std::string& text);

/// A flag of `helixctl plan`, and its value as text.
struct Measured {
  const char* flag;
  std::string value;
};

/// Lanes, cost and hits in the JSON of `helixctl bench`, whose values are not checked.
/// errors: invalid_argument (not JSON, no cost in it)
Result<std::vector<Measured>> read_bench(const std::string& json);

std::string plan_text(const server::simulation::Scenario& scenario, const server::simulation::Report& report);
std::string plan_json(const server::simulation::Scenario& scenario, const std::string& hits,
                      const server::simulation::Report& report);

}  // namespace helix::helixctl
