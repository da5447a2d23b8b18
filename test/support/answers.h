#pragma once

#include "kernels/engine.h"
#include "test/support/owned_batch.h"

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

namespace helix::test {

/// One track, floats as their bits: two rows are equal iff the answers are the same to the last bit.
struct TrackBits {
  std::vector<Index> hits;  // rows within the event, inner to outer
  std::array<std::uint32_t, 7 + kCovarianceSize> values;
  std::int32_t ndof;
  std::uint8_t quality;
  Index vertex;

  auto operator<=>(const TrackBits&) const = default;
};

struct VertexBits {
  std::array<std::uint32_t, 6> values;
  Index n_tracks;

  auto operator<=>(const VertexBits&) const = default;
};

/// All that was found in one event.
struct EventAnswer {
  std::vector<TrackBits> tracks;
  std::vector<VertexBits> vertices;
  std::array<Index, 6> counters;

  bool operator==(const EventAnswer&) const = default;
};

EventAnswer answer_of(const BatchResult& result, Index event);
/// Of each event of a batch.
std::vector<EventAnswer> answers_of(const BatchResult& result);

/// A geometry folder, named from the root of the sources. throws std::runtime_error
Detector read_detector(const std::string& folder);
/// config/geometry/phase1
const Detector& phase1();
/// Sample events of a folder of test/data/events, on phase1.
OwnedBatch sample_events(const std::string& folder, std::size_t max_events = 1000);

/// Runs a CPU engine of its own. throws std::runtime_error with the status where it fails
BatchResult reconstruct(const Detector& detector, const OwnedBatch& batch, const EngineOptions& options = {},
                        const patatrack::Config& config = {});

}  // namespace helix::test
