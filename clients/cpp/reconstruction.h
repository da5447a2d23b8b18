#pragma once

#include "kernels/core/ragged.h"
#include "kernels/core/status.h"
#include "kernels/engine.h"
#include "kernels/event/hits.h"
#include "kernels/event/tracks.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace helix {

/// Hits of one or more events, end to end. Views: the caller keeps the columns alive during the call.
struct HitColumns {
  Span<const float> x, y, z;               // [hits] mm, global frame
  Span<const std::uint32_t> module_index;  // [hits] row in the geometry's detectors.csv; or, where empty,
  Span<const std::uint32_t> volume_id, layer_id, module_id;  // [hits] TrackML's three numbers
  Span<const float> var_u, var_v;                            // [hits] mm^2, or empty
  Span<const float> size_u, size_v;                          // [hits] pixels, or empty
  Span<const float> charge;                                  // [hits] electrons, or empty
  Span<const float> local_u, local_v;                        // [hits] mm, on the module, or empty
  Span<const std::uint32_t> event_offsets;                   // [events + 1]; empty: one event that holds all hits
  Span<const BeamSpot> beam_spot;  // empty (the server's setting), one for all, or [events]; mm
};

/// What one call asks for.
struct ReconstructCall {
  std::string pipeline = "patatrack";
  std::string request_id;  // comes back in the answer
  HitColumns hits;
  std::optional<std::uint32_t> min_quality;  // tracks below are left out; empty: the server's choice
};

/// What produced an answer.
struct Provenance {
  std::string pipeline, version, geometry, geometry_digest, settings_digest, backend, device;
};

/// Where a request's time went; its batch may have held other requests.
struct TimeSplit {
  std::chrono::nanoseconds queue{}, batch{}, copy_in{}, compute{}, copy_out{};
  std::vector<StageTime> stages;
  std::uint32_t batch_events = 0, batch_hits = 0;
};

/// Answer of one call; rows of tracks and vertices are local to their event, as in kernels/event/tracks.h.
struct Reconstruction {
  std::string request_id;
  Tracks tracks;
  Vertices vertices;
  std::vector<EventCounters> counters;  // [events]
  Provenance provenance;
  TimeSplit time;
};

/// One setting of a stage of a pipeline, as people see it.
struct ParameterDescription {
  std::string stage, name, value, unit, range, help;
};

/// What a pipeline is and what one request may hold; a limit of 0 is not known.
struct PipelineDescription {
  Provenance provenance;
  std::uint32_t modules = 0, layers = 0;
  double field = 0;  // T
  std::vector<ParameterDescription> parameters;
  std::vector<std::string> devices;
  std::vector<std::string> hit_columns;  // optional ones that it looks at
  bool hit_columns_needed = false;       // it cannot do without them
  std::uint64_t max_events = 0, max_hits = 0, max_hits_per_event = 0, max_message_bytes = 0, memory_budget_bytes = 0;
};

/// Anything that turns hits into tracks: a server (Client) or this process (LocalReconstructor). Thread-safe.
class Reconstructor {
 public:
  virtual ~Reconstructor() = default;

  /// errors: as helix.v1.Reconstruction/Reconstruct; cancelled when `stop` is requested
  virtual Result<Reconstruction> reconstruct(const ReconstructCall& call, std::stop_token stop = {}) = 0;

  /// errors: not_found, and unavailable where there is a server to lose
  virtual Result<std::vector<std::string>> pipelines() = 0;
  virtual Result<PipelineDescription> describe(const std::string& pipeline) = 0;
};

}  // namespace helix
