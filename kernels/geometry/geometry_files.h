#pragma once

#include "kernels/core/status.h"
#include "kernels/geometry/detector.h"

#include <cstdint>
#include <string>
#include <vector>

namespace helix {

// The two files of a geometry folder as they stand there, each valid in itself; load_detector puts them together.

/// A row of detectors.csv.
struct ModuleRow {
  std::uint32_t volume, layer, module;  // TrackML's ids
  Module shape;                         // layer not yet known: -1
};

struct LayerRow {
  std::string name;
  LayerKind kind;
  std::uint32_t volume, layer;           // TrackML's ids
  double x0;                             // radiation lengths
  double sigma_u, sigma_v;               // mm
  double scale_u = 1, scale_v = 1;       // of the hits' own errors
  std::vector<SizeWindow> size_windows;  // for sizes 1, 2, 3 ...; the last holds for larger ones too; empty: no windows
};

/// What geometry.toml says.
struct GeometryToml {
  std::string name;
  double field = 0;                               // T
  double beam_pipe_radius = 0, beam_pipe_x0 = 0;  // mm, radiation lengths
  std::vector<LayerRow> layers;
  std::vector<LayerPair> pairs;  // ordered by inner layer, then outer
};

/// What selection.toml says: terms of the scores.
struct SelectionToml {
  std::vector<ScoreTerms> terms;  // as in ScoreView
  std::vector<float> values;
};

/// Text of detectors.csv; `path` is for messages.
/// errors: invalid_argument with file, line and column
Result<std::vector<ModuleRow>> parse_modules(const std::string& text, const std::string& path);

/// Text of geometry.toml; `path` is for messages.
/// errors: invalid_argument with file, line and key
Result<GeometryToml> parse_geometry(const std::string& text, const std::string& path);

/// Text of selection.toml; `path` is for messages.
/// errors: invalid_argument with file, line and key
Result<SelectionToml> parse_selection(const std::string& text, const std::string& path);

/// What stands in where a geometry has no selection.toml yet: chi2 and missing hits by round numbers.
SelectionToml plain_selection();

}  // namespace helix
