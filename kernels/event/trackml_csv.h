#pragma once

#include "kernels/core/ragged.h"
#include "kernels/core/status.h"
#include "kernels/event/tracks.h"
#include "kernels/geometry/detector.h"

#include <cstdint>
#include <string>
#include <vector>

namespace helix {

/// Hits of one event as its file holds them. Columns have size() entries; optional ones are empty where the file has
/// none, and so are the modules' of space points. var_u and var_v come together, and so do size_u and size_v.
struct EventHits {
  std::string path;                  // the file
  std::vector<std::int64_t> hit_id;  // all different
  std::vector<float> x, y, z;        // mm
  std::vector<std::uint32_t> volume_id, layer_id, module_id;
  std::vector<std::uint32_t> module_index;  // optional: row in detectors.csv
  std::vector<float> local_u, local_v;      // optional: mm, on the module
  std::vector<float> var_u, var_v;          // optional: mm^2
  std::vector<float> size_u, size_v;        // optional: pixels
  std::vector<float> charge;                // optional: electrons

  std::size_t size() const { return hit_id.size(); }
};

/// Reads eventN-hits.csv, gzip-compressed or not.
/// errors: not_found; invalid_argument with file, line and column: see CsvReader; a hit_id that is there twice;
///         one of two columns that come together; "not a TrackML hits file: no column ..." for anything else.
/// A file of ACTS space points (measurement_id, x, y, z) is read too: its hits have no modules.
Result<EventHits> read_hits(const std::string& path);

/// Row in the detector of each hit's module, by TrackML's ids.
/// errors: invalid_argument, which names the first hit on a module that the geometry has not
Result<std::vector<std::uint32_t>> find_modules(const EventHits& hits, const Detector& detector);

/// The files of an event.
struct EventFile {
  std::string name;    // "event000000001"
  std::string prefix;  // "folder/event000000001": + "-truth.csv" and so on
  std::string hits;    // "folder/event000000001-hits.csv", or that with .gz
};

/// Events that a path names: a folder (all event*-hits.csv in it, by name), a hits file, or an event's prefix.
/// errors: not_found
Result<std::vector<EventFile>> find_events(const std::string& path);

// Writers. Each replaces its file in one step, numbers have as many digits as it takes to read the same float back.
// errors: invalid_argument (not writable), resource_exhausted (disk full)

/// eventN-tracks.csv of one event of a batch. track_id counts from 1, and so does vertex_id, where 0 is none.
/// hit_id are those of the event, [hits].
Status write_tracks(const std::string& path, Span<const std::int64_t> hit_id, const Tracks& tracks, Index event);

/// eventN-reco-vertices.csv of one event of a batch.
Status write_vertices(const std::string& path, const Vertices& vertices, Index event);

/// A TrackML submission of one event: hit_id, track_id of every hit; 0 is none. A hit on several tracks gets the first.
Status write_labels(const std::string& path, Span<const std::int64_t> hit_id, const Tracks& tracks, Index event);

}  // namespace helix
