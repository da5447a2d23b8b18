#include "kernels/core/file.h"
#include "kernels/geometry/detector.h"
#include "kernels/geometry/digest.h"
#include "kernels/geometry/geometry_files.h"
#include "kernels/geometry/module_finder.h"

#include <algorithm>
#include <cmath>

namespace helix {
namespace {

constexpr int kSamples = 9;  // a side; odd, so that the middle is one: the nearest point of a flat module to the beam
constexpr float kNoLimit = 1e9f;

/// Logarithm of a thickness; of none that of a very small one, which scatters nothing either.
float log_of(float x0) { return std::log(std::max(x0, 1e-9f)); }

struct Input {
  std::string path, text;
};

Result<Input> read_input(const std::string& path) {
  Result<std::string> found = find_file(path);
  if (!found.ok()) return found.status();
  Result<std::string> text = read_file(*found);
  if (!text.ok()) return text.status();
  return Input{std::move(*found), std::move(*text)};
}

/// Position and extent of a layer, from points spread over its modules.
class LayerExtent {
 public:
  explicit LayerExtent(Layer& layer) : layer_(layer) {
    layer.r_min = layer.z_min = layer.coordinate_min = kNoLimit;
    layer.r_max = layer.z_max = layer.coordinate_max = -kNoLimit;
  }

  void add(const Module& m) {
    for (int i = 0; i < kSamples; ++i)
      for (int j = 0; j < kSamples; ++j) {
        const float u = m.half_u * (2.f * i / (kSamples - 1) - 1), v = m.half_v * (2.f * j / (kSamples - 1) - 1);
        float p[3];
        for (int k = 0; k < 3; ++k) p[k] = m.center[k] + u * m.u[k] + v * m.v[k];
        add(std::hypot(p[0], p[1]), p[2]);
      }
  }

  bool empty() const { return points_ == 0; }

  void finish() {
    const bool barrel = layer_.kind == LayerKind::barrel;
    layer_.position = static_cast<float>((barrel ? sum_r_ : sum_z_) / static_cast<double>(points_));
    layer_.coordinate_min = barrel ? layer_.z_min : layer_.r_min;
    layer_.coordinate_max = barrel ? layer_.z_max : layer_.r_max;
  }

 private:
  void add(float r, float z) {
    ++points_;
    sum_r_ += r;
    sum_z_ += z;
    layer_.r_min = std::min(layer_.r_min, r);
    layer_.r_max = std::max(layer_.r_max, r);
    layer_.z_min = std::min(layer_.z_min, z);
    layer_.z_max = std::max(layer_.z_max, z);
  }

  Layer& layer_;
  double sum_r_ = 0, sum_z_ = 0;
  std::int64_t points_ = 0;
};

void add_modules(const std::vector<ModuleRow>& rows, const GeometryToml& geometry, Detector& out) {
  for (const ModuleRow& row : rows) {
    Module module = row.shape;
    for (std::size_t l = 0; l < geometry.layers.size(); ++l)
      if (geometry.layers[l].volume == row.volume && geometry.layers[l].layer == row.layer)
        module.layer = static_cast<std::int32_t>(l);
    out.module_rows.emplace(module_key(row.volume, row.layer, row.module),
                            static_cast<std::uint32_t>(out.modules.size()));
    out.modules.push_back(module);
  }
}

void add_layer(const LayerRow& row, Detector& out) {
  Layer layer{};
  layer.kind = row.kind;
  layer.x0 = static_cast<float>(row.x0);
  layer.log_x0 = log_of(layer.x0);
  layer.var_u = static_cast<float>(row.sigma_u * row.sigma_u);
  layer.var_v = static_cast<float>(row.sigma_v * row.sigma_v);
  layer.var_scale_u = static_cast<float>(row.scale_u * row.scale_u);
  layer.var_scale_v = static_cast<float>(row.scale_v * row.scale_v);
  layer.size_first = static_cast<std::int32_t>(out.size_windows.size());
  for (int i = 0; i < kSizeRows; ++i) {
    const auto last = static_cast<int>(row.size_windows.size()) - 1;
    out.size_windows.push_back(last < 0 ? SizeWindow{0, kNoLimit} : row.size_windows[std::min(i, last)]);
  }
  out.layers.push_back(layer);
  out.layer_names.push_back(row.name);
}

/// Layers that hold no module, or reach the beam line, where phi and the coordinate of a disc end.
Status check_layers(const Detector& detector, const std::string& path, const GeometryToml& geometry) {
  for (std::size_t l = 0; l < detector.layers.size(); ++l) {
    const std::string place = path + ": layer[" + std::to_string(l) + "] \"" + detector.layer_names[l] + "\": ";
    const auto& [volume, layer] = std::pair(geometry.layers[l].volume, geometry.layers[l].layer);
    if (detector.layers[l].r_min > detector.layers[l].r_max)
      return invalid_argument(place + "detectors.csv has no module of volume " + std::to_string(volume) + ", layer " +
                              std::to_string(layer));
    if (detector.layers[l].r_min < 1) return invalid_argument(place + "its modules reach the beam line");
  }
  return {};
}

void add_pairs(const GeometryToml& geometry, Detector& out) {
  out.pairs = geometry.pairs;
  out.pairs_of_layer.assign(geometry.layers.size() + 1, 0);
  for (LayerPair& pair : out.pairs) {
    ++out.pairs_of_layer[pair.inner + 1];
    pair.innermost = std::none_of(out.pairs.begin(), out.pairs.end(),
                                  [&](const LayerPair& other) { return other.outer == pair.inner; });
  }
  for (std::size_t l = 0; l < geometry.layers.size(); ++l) out.pairs_of_layer[l + 1] += out.pairs_of_layer[l];
}

void measure_layers(Detector& detector) {
  std::vector<LayerExtent> extents(detector.layers.begin(), detector.layers.end());
  for (const Module& module : detector.modules)
    if (module.layer >= 0) extents[module.layer].add(module);
  for (LayerExtent& extent : extents)
    if (!extent.empty()) extent.finish();
}

}  // namespace

DetectorView Detector::view() const {
  return {.modules = modules,
          .layers = layers,
          .pairs = pairs,
          .pairs_of_layer = {pairs_of_layer},
          .grid = {grid},
          .grid_modules = grid_modules,
          .size_windows = size_windows,
          .scores = {score_terms, score_values},
          .field = field,
          .beam_pipe_radius = beam_pipe_radius,
          .beam_pipe_x0 = beam_pipe_x0,
          .log_beam_pipe_x0 = log_of(beam_pipe_x0)};
}

std::int64_t Detector::find_module(std::uint32_t volume, std::uint32_t layer, std::uint32_t module) const {
  if (volume > 0xffff || layer > 0xffff) return -1;
  const auto at = module_rows.find(module_key(volume, layer, module));
  return at == module_rows.end() ? -1 : std::int64_t{at->second};
}

// Hits often come in the order of modules.
std::size_t Detector::find_modules(Span<const std::uint32_t> volume, Span<const std::uint32_t> layer,
                                   Span<const std::uint32_t> module, Span<std::uint32_t> rows) const {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool as_before =
        i > 0 && module[i] == module[i - 1] && layer[i] == layer[i - 1] && volume[i] == volume[i - 1];
    const std::int64_t row = as_before ? rows[i - 1] : find_module(volume[i], layer[i], module[i]);
    if (row < 0) return i;
    rows[i] = static_cast<std::uint32_t>(row);
  }
  return rows.size();
}

Result<Detector> load_detector(const std::string& folder) {
  const Result<Input> csv = read_input(folder + "/detectors.csv");
  if (!csv.ok()) return csv.status();
  const Result<Input> toml = read_input(folder + "/geometry.toml");
  if (!toml.ok()) return toml.status();
  const Result<std::vector<ModuleRow>> modules = parse_modules(csv->text, csv->path);
  if (!modules.ok()) return modules.status();
  const Result<GeometryToml> geometry = parse_geometry(toml->text, toml->path);
  if (!geometry.ok()) return geometry.status();

  Result<SelectionToml> selection = plain_selection();
  std::string selection_line;
  if (const Result<Input> file = read_input(folder + "/selection.toml"); file.ok()) {
    selection = parse_selection(file->text, file->path);
    if (!selection.ok()) return selection.status();
    selection_line = sha256(file->text) + "  selection.toml\n";
  } else if (file.status().code() != Code::not_found) {
    return file.status();
  }

  Detector out;
  out.name = geometry->name;
  // As `sha256sum detectors.csv geometry.toml selection.toml | sha256sum` in the folder prints it.
  out.digest =
      sha256(sha256(csv->text) + "  detectors.csv\n" + sha256(toml->text) + "  geometry.toml\n" + selection_line);
  out.score_terms = std::move(selection->terms);
  out.score_values = std::move(selection->values);
  out.field = static_cast<float>(geometry->field);
  out.beam_pipe_radius = static_cast<float>(geometry->beam_pipe_radius);
  out.beam_pipe_x0 = static_cast<float>(geometry->beam_pipe_x0);
  for (const LayerRow& row : geometry->layers) add_layer(row, out);
  add_modules(*modules, *geometry, out);
  measure_layers(out);
  if (Status status = check_layers(out, toml->path, *geometry); !status.ok()) return status;
  add_pairs(*geometry, out);
  build_module_finder(out);
  return out;
}

}  // namespace helix
