#include "kernels/exatrkx/features.h"

#include "kernels/core/parallel.h"

#include <cmath>

namespace helix::exatrkx {
namespace {

/// One column of the features, made from positions.
struct FillFeature {
  HitBatch batch;
  HitFeature feature;
  float scale;
  Index column, n_columns;
  Span<float> out;

  HELIX_HD float value(float x, float y, float z) const {
    const float r = std::sqrt(x * x + y * y), one = r > 0.f ? 1.f / r : 0.f;
    switch (feature) {
      case HitFeature::x:
        return x;
      case HitFeature::y:
        return y;
      case HitFeature::z:
        return z;
      case HitFeature::r:
        return r;
      case HitFeature::phi:
        return std::atan2(y, x);
      case HitFeature::cos_phi:
        return x * one;
      case HitFeature::sin_phi:
        return y * one;
      case HitFeature::eta:
        return std::asinh(r > 0.f ? z / r : (z > 0.f ? 1e4f : -1e4f));
      case HitFeature::theta:
        return std::atan2(r, z);
      default:
        return 0.f;  // a column of the hits: CopyFeature
    }
  }
  HELIX_HD void operator()(Index i) const {
    const BeamSpot spot = batch.beam_spot[event_of(batch.events, i)];
    out[static_cast<std::size_t>(i) * n_columns + column] =
        value(batch.x[i] - spot.x, batch.y[i] - spot.y, batch.z[i] - spot.z) / scale;
  }
};

/// One column of the features that is one of the hits.
struct CopyFeature {
  Span<const float> values;
  float scale;
  Index column, n_columns;
  Span<float> out;

  HELIX_HD void operator()(Index i) const { out[static_cast<std::size_t>(i) * n_columns + column] = values[i] / scale; }
};

}  // namespace

Span<const float> make_features(Exec& exec, const HitBatch& batch, const Model& model) {
  const auto n_columns = static_cast<Index>(model.features.size());
  auto out = exec.scratch<float>(batch.n_hits() * n_columns);
  for (Index c = 0; c < n_columns; ++c) {
    const HitFeature feature = model.features[static_cast<std::size_t>(c)];
    const float scale = model.scales[static_cast<std::size_t>(c)];
    if (const OptionalColumn* column = column_of(feature))
      for_each(exec, batch.n_hits(), CopyFeature{batch.*column->of, scale, c, n_columns, out});
    else
      for_each(exec, batch.n_hits(), FillFeature{batch, feature, scale, c, n_columns, out});
  }
  return out;
}

}  // namespace helix::exatrkx
