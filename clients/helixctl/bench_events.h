#pragma once

#include "clients/bench/target.h"
#include "clients/helixctl/event_batch.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace helix::helixctl {

/// What requests are made of.
struct BenchEventOptions {
  std::string pipeline = "patatrack";
  std::vector<std::string> arguments;  // events of files, as for reconstruct
  std::vector<int> hits;               // events of so many hits at random, for pipelines that look at no module
  std::vector<double> mix;             // weights of `arguments`, then `hits`; empty: each event alike
  std::size_t events_per_request = 1;
  std::optional<std::uint32_t> min_quality;
};

/// Owns the events that the payloads of a bench view.
class BenchEvents {
 public:
  /// `columns`: optional ones that are sent. errors: of finding and reading events; invalid_argument (mix)
  static Result<BenchEvents> read(const BenchEventOptions& options, const std::vector<std::string>& columns,
                                  std::uint64_t seed);

  std::vector<bench::Payload> payloads;
  std::vector<double> weights;  // [payloads], or empty

 private:
  Status add_files(const std::string& argument, const BenchEventOptions& options,
                   const std::vector<std::string>& columns);
  void add_random(int n_hits, const BenchEventOptions& options, std::uint64_t seed);
  void add(std::string name, const HitColumns& hits, const BenchEventOptions& options);

  struct RandomHits {
    std::vector<float> x, y, z;
    std::vector<std::uint32_t> module, offsets;
  };
  std::vector<std::unique_ptr<EventHits>> events_;
  std::vector<std::unique_ptr<EventBatch>> batches_;
  std::vector<std::unique_ptr<RandomHits>> random_;
};

}  // namespace helix::helixctl
