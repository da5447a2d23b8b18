#include "kernels/exatrkx/warm_up.h"

#include <cmath>
#include <vector>

namespace helix::exatrkx {

/// Straight lines of hits, each hit twice: whatever the embedding, twins are neighbours, and all networks are called.
Status warm_up(Engine& engine) {
  constexpr Index kHits = 2048, kHitsOfLine = 16;
  std::vector<float> x(kHits), y(kHits), z(kHits), one(kHits, 1.f);
  for (Index i = 0; i < kHits; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const Index line = i / kHitsOfLine, layer = i % kHitsOfLine / 2;
    const auto phi = static_cast<float>(line), r = static_cast<float>(30 + 100 * layer);
    x[at] = r * std::cos(phi), y[at] = r * std::sin(phi), z[at] = r * std::sin(7 * phi);
  }
  const std::vector<Index> events{0, kHits};
  const std::vector<BeamSpot> spot(1);
  HitBatch batch;
  batch.x = x, batch.y = y, batch.z = z;
  batch.events = {events};
  batch.beam_spot = spot;
  for (const OptionalColumn& column : kOptionalColumns) batch.*column.of = one;
  return engine.run(batch).status();
}

}  // namespace helix::exatrkx
