#pragma once

#include "server/batching/admission.h"
#include "server/batching/batcher.h"

#include <cstdint>
#include <string>
#include <vector>

namespace helix::server::simulation {

/// Events of one size, and how often they come, relative to others.
struct SizeShare {
  double hits = 15000, share = 1;
};

/// Clients that behave alike. Those of a group compete as one client for their share where `name` is given.
struct ClientGroup {
  int clients = 1;
  double rate = 0;         // requests a second of all together, Poisson; 0: closed loop, each waits for its answer
  double think_ms = 0;     // closed loop: mean time between an answer and the next request, exponential
  double deadline_ms = 0;  // 0: none
  int priority = kNormal;
  std::string name{};
  std::vector<SizeShare> sizes{SizeShare{}};
  bool retry = true;  // closed loop: who is turned away comes again when told to; else it thinks, as after an answer
};

/// A lane takes fixed + per_kilohit * hits / 1000 for a batch.
struct LaneModel {
  double fixed_ms = 1, per_kilohit_ms = 1;
};

struct Scenario {
  std::vector<ClientGroup> groups{};
  int lanes = 1;
  LaneModel lane{};
  BatcherOptions batcher{};
  AdmissionBudget budget{};
  double bytes_per_hit = 24, least_retry_ms = 100;
  double seconds = 60, warm_up_seconds = 5;  // of virtual time; the warm-up is not measured
  std::uint64_t seed = 1;
};

struct GroupReport {
  std::uint64_t sent = 0, completed = 0;
  std::uint64_t late = 0;                     // computed, but too late
  std::uint64_t expired = 0;                  // deadline passed while it waited
  std::uint64_t full = 0;                     // turned away for want of room
  std::uint64_t hopeless = 0;                 // turned away as the deadline could not be met
  double p50_ms = 0, p90_ms = 0, p99_ms = 0;  // of those completed, retries included
};

struct Report {
  std::vector<GroupReport> groups{};
  GroupReport all{};
  double requests_per_s = 0, hits_per_s = 0;  // completed
  double lane_share = 0;                      // of the lanes' time that was used
  double batch_events = 0;                    // mean
  std::size_t most_waiting = 0;
};

/// Runs the policy of the server (Batcher, Admission) in virtual time against modelled clients and lanes. The same
/// scenario gives the same report.
Report simulate(const Scenario& scenario);

}  // namespace helix::server::simulation
