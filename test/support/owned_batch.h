#pragma once

#include "kernels/event/hits.h"
#include "kernels/geometry/detector.h"

#include <string>
#include <vector>

namespace helix::test {

/// A batch that owns its columns.
struct OwnedBatch {
  std::vector<float> x, y, z, var_u, var_v, size_u, size_v;
  std::vector<std::uint32_t> module;
  std::vector<Index> events{0};
  std::vector<BeamSpot> beam_spot;

  HitBatch view() const;
  /// Appends event `e` of another batch that has the same optional columns, or an empty event.
  void append(const HitBatch& from, Index e);
  void append_empty();
};

/// The first max_events events of a folder of TrackML files, with errors and cluster sizes where the files have them.
/// throws std::runtime_error with what the reader says
OwnedBatch read_batch(const std::string& folder, const Detector& detector, std::size_t max_events = 1000);

}  // namespace helix::test
