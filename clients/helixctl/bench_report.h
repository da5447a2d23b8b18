#pragma once

#include "clients/bench/load_run.h"
#include "clients/bench/process.h"
#include "clients/bench/saturation.h"

#include <optional>
#include <string>

namespace helix::helixctl {

/// CPU time that the measurement took.
struct BenchUse {
  double client_cpu_seconds = 0;
  std::optional<double> server_cpu_seconds;        // where --server-pid names it
  std::optional<bench::ProcessUse> server_at_end;  // memory
};

/// All that is said about a bench.
struct BenchReport {
  std::string target;  // address, or "local"
  PipelineDescription pipeline;
  bench::LoadOptions load;
  double mean_hits = 0;  // of a request
  std::int64_t events_per_request = 1;
  bench::LoadResult result;
  BenchUse use;
};

/// For people, some lines.
std::string text(const BenchReport& report);
std::string text(const bench::Saturation& saturation);

/// For programs; the keys are in docs/performance.md.
std::string json(const BenchReport& report);
std::string json(const bench::Saturation& saturation);

/// gRPC's name of a code.
const char* name_of(grpc::StatusCode code);

}  // namespace helix::helixctl
