#pragma once

#include "kernels/core/ragged.h"
#include "kernels/core/status.h"
#include "kernels/geometry/score.h"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace helix {

/// A sensor plane. Local frame: u along r-phi, v along z (barrel) or r (disc), w the normal, u x v = w.
struct Module {
  float center[3];         // mm
  float u[3], v[3], w[3];  // unit vectors, global frame
  float half_u, half_v;    // mm, half the active area (the smaller of minhu and maxhu)
  std::int32_t layer;      // row of Detector::layers, -1: not used for tracking
};

enum class LayerKind : std::int32_t { barrel = 0, disc = 1 };

/// A surface of modules. Its coordinate is z for a barrel layer, r for a disc.
struct Layer {
  LayerKind kind;
  float position;                        // mm: mean r of a barrel layer's hits, mean z of a disc's
  float coordinate_min, coordinate_max;  // mm: extent of the active area along the coordinate
  float r_min, r_max, z_min, z_max;      // mm: box of all its modules' corners
  float x0, log_x0;                      // thickness in radiation lengths, at normal incidence; its logarithm
  float var_u, var_v;                    // mm^2: hit errors used where the hits bring none
  float var_scale_u, var_scale_v;        // factor on the hits' own variances, from residuals against truth
  std::int32_t grid_first;               // first cell of this layer in DetectorView::grid
  std::int32_t size_first;               // first row of this layer in DetectorView::size_windows
};

/// So that a set of layers is a word.
inline constexpr int kMaxLayers = 64;

/// Two layers that may hold a doublet, inner first.
struct LayerPair {
  std::int32_t inner, outer;   // rows of Detector::layers
  float phi;                   // rad: what scattering, displacement and hit errors add to the bending of a track
  float inner_min, inner_max;  // mm: range of the inner hit's coordinate
  float outer_min, outer_max;  // mm: range of the outer hit's coordinate
  std::int32_t skips;          // layers left out between the two: 0 neighbours, 1 one missing layer
  bool innermost;              // no pair ends on the inner layer
};

/// Which |cot theta| a cluster of this size along v may have; row min(size_v, kSizeRows) - 1 of its layer.
struct SizeWindow {
  float cot_min, cot_max;
};
inline constexpr int kSizeRows = 24;

/// Cells of the module finder of one layer: kGridPhi in phi (from -pi) times kGridCoordinate over the layer's
/// coordinate.
inline constexpr int kGridPhi = 128;
inline constexpr int kGridCoordinate = 32;

/// What kernels see of a detector. Cell (layer, i_phi, i_coordinate) of the module finder is row
/// layer.grid_first + i_phi * kGridCoordinate + i_coordinate of grid; its entries in grid_modules are all modules
/// that a straight line from the beam line through that cell (at the layer's position) can cross.
struct DetectorView {
  Span<const Module> modules;
  Span<const Layer> layers;
  Span<const LayerPair> pairs;  // ordered by inner layer, then outer
  Offsets pairs_of_layer;       // [layers + 1] pairs whose inner layer this is
  Offsets grid;                 // [cells + 1]
  Span<const std::int32_t> grid_modules;
  Span<const SizeWindow> size_windows;  // [layers * kSizeRows]
  ScoreView scores;
  float field;                           // T, along z
  float beam_pipe_radius, beam_pipe_x0;  // mm, radiation lengths; radius 0: none
  float log_beam_pipe_x0;
};

/// A detector, owned: what load_detector read from a geometry folder.
struct Detector {
  std::string name;    // the geometry's
  std::string digest;  // SHA-256 of its files' bytes, hex
  std::vector<std::string> layer_names;
  std::vector<Module> modules;
  std::vector<Layer> layers;
  std::vector<LayerPair> pairs;
  std::vector<Index> pairs_of_layer, grid;
  std::vector<std::int32_t> grid_modules;
  std::vector<SizeWindow> size_windows;
  std::vector<ScoreTerms> score_terms;
  std::vector<float> score_values;
  float field = 0, beam_pipe_radius = 0, beam_pipe_x0 = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> module_rows;  // by module_key

  DetectorView view() const;
  /// Row of the module that TrackML names (volume_id, layer_id, module_id), or -1.
  std::int64_t find_module(std::uint32_t volume, std::uint32_t layer, std::uint32_t module) const;
  /// The same for columns of equal length. Returns the first place without a module, their length where there is none.
  std::size_t find_modules(Span<const std::uint32_t> volume, Span<const std::uint32_t> layer,
                           Span<const std::uint32_t> module, Span<std::uint32_t> rows) const;
};

constexpr std::uint64_t module_key(std::uint32_t volume, std::uint32_t layer, std::uint32_t module) {
  return (std::uint64_t{volume} << 48) | (std::uint64_t{layer} << 32) | module;
}

/// Reads folder/detectors.csv, folder/geometry.toml and, where it is there, folder/selection.toml.
/// errors: not_found (no such file), invalid_argument that names file, line and column or key
Result<Detector> load_detector(const std::string& folder);

}  // namespace helix
