#pragma once

#include "kernels/core/status.h"
#include "server/simulation/simulation.h"

#include <cstdint>
#include <string>

namespace helix::helixctl {

/// What `helixctl plan` is asked.
struct PlanOptions {
  int clients = 64;
  double rate = 0, think_ms = 0, deadline_ms = 0;
  std::string hits = "15000";  // HITS[:SHARE], ...
  int lanes = 1;
  double fixed_ms = 1, per_kilohit_ms = 1;
  int max_events = 64, max_requests = 256;
  double overhead = 0.05;
  double seconds = 60;
  std::uint64_t seed = 1;
};

/// Takes lanes, cost and hits from the JSON of `helixctl bench`; `place` names it in messages.
/// errors: invalid_argument (not JSON, no cost in it)
Status read_bench(const std::string& json, const std::string& place, PlanOptions& options);

/// errors: invalid_argument (sizes)
Result<server::simulation::Scenario> scenario_of(const PlanOptions& options);

std::string plan_text(const PlanOptions& options, const server::simulation::Report& report);
std::string plan_json(const PlanOptions& options, const server::simulation::Report& report);

}  // namespace helix::helixctl
