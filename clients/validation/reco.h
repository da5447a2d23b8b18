#pragma once

#include "kernels/core/status.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace helix::validation {

/// Reconstructed tracks of an event as a file holds them: rows of hit ids, and the parameter columns that it has.
struct RecoTracks {
  std::vector<std::size_t> hit_offsets{0};  // [tracks + 1]
  std::vector<std::int64_t> hit_id;         // rows of the tracks end to end
  std::map<std::string, std::vector<double>>
      columns;  // by name, [tracks]: charge, pt, eta ..; NaN and inf as in the file

  std::size_t size() const { return hit_offsets.size() - 1; }
  const std::vector<double>* column(const std::string& name) const;
  /// The tracks whose `quality` is at least `least`; all where the file has no such column.
  RecoTracks with_quality(double least) const;
};

/// Columns of RecoTracks that a file may bring beside hit_ids; others are not read.
const std::vector<std::string>& parameter_columns();

/// Tracks of event `number` in `folder`: from eventN-tracks.csv, or labels of hits (hit_id, track_id; track_id <= 0 is
/// none, tracks of fewer than 3 hits are left out) from eventN-tracks.csv, -labels.csv, -submission.csv or
/// submission.csv. Each may end in .gz. Empty where there is no such file.
/// errors: invalid_argument that names file, line and column
Result<std::optional<RecoTracks>> find_tracks(const std::string& folder, int number);

/// Reconstructed vertices of an event. A column is empty where the file has none.
struct RecoVertices {
  std::vector<double> z, var_z;  // mm, mm^2
  std::vector<double> sum_pt2;   // GeV^2
  std::vector<double> id;

  std::size_t size() const { return z.size(); }
};

/// From eventN-reco-vertices.csv; empty where there is no such file.
Result<std::optional<RecoVertices>> find_vertices(const std::string& folder, int number);

}  // namespace helix::validation
