#pragma once

#include "kernels/core/exec.h"
#include "kernels/core/hd.h"
#include "kernels/event/hits.h"
#include "kernels/exatrkx/event_of.h"
#include "kernels/exatrkx/model.h"

namespace helix::exatrkx {

/// What the networks are told: [hits * features], row by row, scaled as the model says, around the beam spots. The
/// batch has the columns that the model looks at (columns_of).
Span<const float> make_features(Exec& exec, const HitBatch& batch, const Model& model);

/// Distance from the beam spot, squared: which end of an edge is the inner one.
struct MeasureDistance {
  HitBatch batch;
  Span<float> distance;  // [hits]

  HELIX_HD void operator()(Index i) const {
    const BeamSpot spot = batch.beam_spot[event_of(batch.events, i)];
    const float x = batch.x[i] - spot.x, y = batch.y[i] - spot.y, z = batch.z[i] - spot.z;
    distance[i] = x * x + y * y + z * z;
  }
};

/// The nearer hit first; of equally near ones that of the smaller index.
struct TurnOutwards {
  Span<const Index> from_source, from_target;
  Span<const float> distance;
  Span<Index> source, target;
  HELIX_HD void operator()(Index k) const {
    const Index a = from_source[k], b = from_target[k];
    const bool keep = distance[a] < distance[b] || (distance[a] == distance[b] && a < b);
    source[k] = keep ? a : b;
    target[k] = keep ? b : a;
  }
};

}  // namespace helix::exatrkx
