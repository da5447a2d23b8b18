#include "kernels/echo/engine.h"

#include "kernels/geometry/digest.h"

#include <numeric>

namespace helix::echo {
namespace {

void add_track(Tracks& tracks, Index n_hits) {
  const std::size_t first = tracks.hit.size();
  tracks.hit.resize(first + static_cast<std::size_t>(n_hits));
  std::iota(tracks.hit.begin() + static_cast<std::ptrdiff_t>(first), tracks.hit.end(), 0);
  tracks.hit_offsets.push_back(static_cast<Index>(tracks.hit.size()));
  for (auto* column :
       {&tracks.phi, &tracks.dxy, &tracks.q_over_pt, &tracks.cot_theta, &tracks.dz, &tracks.chi2, &tracks.score})
    column->push_back(0);
  tracks.covariance.emplace_back().fill(0);
  tracks.ndof.push_back(0);
  tracks.quality.push_back(static_cast<std::uint8_t>(Quality::tight));
  tracks.vertex.push_back(-1);
}

class EchoEngine final : public Engine {
 public:
  Result<BatchResult> run(const HitBatch& batch) override {
    const auto start = std::chrono::steady_clock::now();
    BatchResult result;
    Tracks& tracks = result.tracks;
    tracks.event_offsets = tracks.hit_offsets = {0};
    tracks.hit.reserve(static_cast<std::size_t>(batch.n_hits()));
    for (Index event = 0; event < batch.n_events(); ++event) {
      const Index n_hits = batch.events.size(event);
      if (n_hits > 0) add_track(tracks, n_hits);
      tracks.event_offsets.push_back(tracks.n_tracks());
      result.counters.push_back({.hits = n_hits, .tracks = n_hits > 0 ? 1 : 0});
    }
    result.vertices.event_offsets.assign(static_cast<std::size_t>(batch.n_events()) + 1, 0);
    result.compute = std::chrono::steady_clock::now() - start;
    return result;
  }
  std::string backend() const override { return "cpu"; }
  std::string device() const override { return "CPU, no work"; }
};

}  // namespace

Detector no_geometry() {
  Detector detector;
  detector.name = "none";
  detector.digest = sha256("");
  return detector;
}

std::string settings_digest() { return sha256(""); }

std::unique_ptr<Engine> make_engine() { return std::make_unique<EchoEngine>(); }

}  // namespace helix::echo
