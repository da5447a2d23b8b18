#pragma once

#include "kernels/event/hits.h"
#include "kernels/geometry/detector.h"
#include "test/support/owned_batch.h"
#include "test/support/test_device.h"

namespace helix::test {

/// A detector in the memory that stages see, valid until the arena is reset.
inline DetectorView upload(TestDevice& device, const Detector& detector) {
  DetectorView view = detector.view();
  view.modules = device.upload(detector.modules);
  view.layers = device.upload(detector.layers);
  view.pairs = device.upload(detector.pairs);
  view.pairs_of_layer = {device.upload(detector.pairs_of_layer)};
  view.grid = {device.upload(detector.grid)};
  view.grid_modules = device.upload(detector.grid_modules);
  view.size_windows = device.upload(detector.size_windows);
  view.scores = {device.upload(detector.score_terms), device.upload(detector.score_values)};
  return view;
}

/// A batch there; columns that are empty stay so.
inline HitBatch upload(TestDevice& device, const OwnedBatch& batch) {
  const auto column = [&](const std::vector<float>& values) {
    return values.empty() ? Span<const float>() : Span<const float>(device.upload(values));
  };
  return {column(batch.x),
          column(batch.y),
          column(batch.z),
          device.upload(batch.module),
          column(batch.var_u),
          column(batch.var_v),
          column(batch.size_u),
          column(batch.size_v),
          {device.upload(batch.events)},
          device.upload(batch.beam_spot)};
}

}  // namespace helix::test
