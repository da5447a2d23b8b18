#pragma once

#include "clients/bench/latencies.h"
#include "clients/bench/service_fit.h"
#include "clients/bench/target.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace helix::bench {

/// What load is put on a target, and for how long.
struct LoadOptions {
  int clients = 1;      // closed loop: each sends its next request when it has the answer of the one before
  double rate = 0;      // requests a second, > 0: open loop instead, Poisson arrivals whatever the answers do
  int connections = 1;  // open loop: requests take turns on so many connections
  std::uint64_t seed = 1;
  std::chrono::nanoseconds warm_up{0}, duration{0};
  std::chrono::nanoseconds deadline{0};       // of each request
  std::vector<double> weights;                // of the payloads; empty: by turns
  double cancel = 0;                          // part of the requests that is cancelled ...
  std::chrono::nanoseconds cancel_within{0};  // ... at a random time so long after they were sent
};

/// Requests by how they ended.
struct CodeCount {
  std::int64_t count = 0;
  Latencies latency;
  std::string first_error;
};

/// One second of the measurement.
struct Second {
  std::int64_t sent = 0, ok = 0, failed = 0;     // sent in it; ended in it
  std::chrono::nanoseconds p50{}, p99{}, max{};  // latency of answers that came in it
};

/// Where the server's time went, of all answers.
struct ServerTimes {
  Latencies queue, batch, copy_in, compute, copy_out;
  std::int64_t batch_events = 0;  // sum
};

struct LoadResult {
  double seconds = 0;                               // of the measurement
  std::int64_t ok = 0, events = 0, hits = 0;        // answered within it: what throughput is made of
  std::int64_t sent = 0;                            // due within it; each is counted once in `codes`
  std::int64_t not_sent = 0;                        // open loop: due too, but this client fell behind
  std::map<grpc::StatusCode, CodeCount> codes;      // of those sent, whenever they ended
  Latencies lag;                                    // how late they were sent, of which their latency is a part
  std::int64_t sent_in_all = 0, differ_in_all = 0;  // warm-up included
  std::int64_t most_under_way = 0;
  std::string first_difference;
  ServerTimes server;
  ServiceFit service;
  std::vector<Second> time_line;

  const Latencies& latency() const;  // of the answers
};

/// What others may do meanwhile, on the thread that runs the load.
struct LoadHooks {
  std::function<void()> begins = [] {}, ends = [] {};  // the measurement, after the warm-up
  std::function<void(const Second&)> each_second = [](const Second&) {};
};

/// Runs until each request that was sent has ended. Latency counts from when a request was due, so that a generator or
/// a server that falls behind cannot hide it. In the closed loop a client that was refused waits for as long as the
/// server says, else 100 ms. CANCELLED is what was cancelled here; where the server's end did it, it is UNAVAILABLE.
LoadResult run_load(Target& target, const std::vector<Payload>& payloads, const LoadOptions& options,
                    const LoadHooks& hooks = {});

}  // namespace helix::bench
