#pragma once

#include "server/batching/request_facts.h"

#include <cstdint>

namespace helix::server {

/// A pipeline's queue at one moment. Once nothing waits or runs, accepted = completed + cancelled + expired + failed.
struct QueueStats {
  // requests since the start
  std::uint64_t accepted = 0;
  std::uint64_t completed = 0, cancelled = 0, expired = 0, failed = 0;  // accepted ones, by their end
  std::uint64_t rejected_full = 0;                                      // no room: RESOURCE_EXHAUSTED
  std::uint64_t rejected_late = 0;  // deadline could not be met: DEADLINE_EXCEEDED, never waited
  std::uint64_t retries = 0;        // waited again after their lane was lost
  std::uint64_t splits = 0;         // batches run again in halves
  // waiting now
  std::size_t requests = 0, bytes = 0;
  double events = 0, hits = 0;
  Clock::duration oldest{};   // age of who has waited longest
  Clock::duration backlog{};  // until what waits and runs will be done, as far as is known
  std::size_t clients = 0;    // remembered for their shares
  // lanes and cost
  int lanes = 0, running = 0;  // in service; at a batch
  int idle = 0;                // wait for a batch
  double fixed_ms = 0;         // of a batch
  double ms_of_10k_hits = 0;   // of one event in a batch of others
  double cost_bound_ms = 0;    // of a batch; infinity: none
};

}  // namespace helix::server
