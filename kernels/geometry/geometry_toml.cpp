#include "kernels/core/toml_reader.h"
#include "kernels/geometry/geometry_files.h"

#include <algorithm>
#include <limits>

namespace helix {
namespace {

constexpr double kMaxLength = 1e5;  // mm

Result<LayerRow> read_layer(const toml::table& table, const std::string& path, const std::string& prefix) {
  TomlReader reader(table, path, prefix);
  LayerRow row;
  std::string kind;
  std::int64_t volume = 0, layer = 0;
  std::vector<std::pair<double, double>> windows;
  reader.need("name", row.name);
  reader.need("kind", kind);
  reader.need("volume", volume, 0, 0xffff);
  reader.need("layer", layer, 0, 0xffff);
  reader.need("x0", row.x0, 0, 10);
  reader.need("sigma_u", row.sigma_u, 1e-6, 1e3);
  reader.need("sigma_v", row.sigma_v, 1e-6, 1e3);
  reader.take("scale_u", row.scale_u, 1e-3, 1e3);
  reader.take("scale_v", row.scale_v, 1e-3, 1e3);
  reader.take_ranges("size_windows", windows);
  if (windows.size() > kSizeRows)
    reader.fail("size_windows", std::to_string(windows.size()) + " rows, at most " + std::to_string(kSizeRows));
  if (kind != "barrel" && kind != "disc") reader.fail("kind", "\"" + kind + "\" is neither \"barrel\" nor \"disc\"");
  if (row.name.empty()) reader.fail("name", "is empty");
  if (Status status = reader.finish(); !status.ok()) return status;
  row.kind = kind == "barrel" ? LayerKind::barrel : LayerKind::disc;
  row.volume = static_cast<std::uint32_t>(volume);
  row.layer = static_cast<std::uint32_t>(layer);
  for (const auto& [low, high] : windows)
    row.size_windows.push_back({static_cast<float>(low), static_cast<float>(high)});
  return row;
}

/// Row of the layer that `key` names.
std::int32_t find_layer(TomlReader& reader, const char* key, const std::vector<LayerRow>& layers) {
  std::string name;
  reader.need(key, name);
  const auto at = std::find_if(layers.begin(), layers.end(), [&](const LayerRow& l) { return l.name == name; });
  if (at == layers.end()) reader.fail(key, "no layer is called \"" + name + "\"");
  return static_cast<std::int32_t>(at - layers.begin());
}

Result<LayerPair> read_pair(const toml::table& table, const std::string& path, const std::string& prefix,
                            const std::vector<LayerRow>& layers) {
  TomlReader reader(table, path, prefix);
  LayerPair pair{};
  double phi = 0, inner_min = 0, inner_max = 0, outer_min = 0, outer_max = 0;
  std::int64_t skips = 0;
  pair.inner = find_layer(reader, "inner", layers);
  pair.outer = find_layer(reader, "outer", layers);
  reader.need("phi", phi, 0, 3.141592653589793);
  reader.need_range("inner_range", inner_min, inner_max);
  reader.need_range("outer_range", outer_min, outer_max);
  reader.take("skips", skips, 0, 10);
  if (pair.inner == pair.outer) reader.fail("outer", "is the same layer as inner");
  if (Status status = reader.finish(); !status.ok()) return status;
  pair.phi = static_cast<float>(phi);
  pair.inner_min = static_cast<float>(inner_min);
  pair.inner_max = static_cast<float>(inner_max);
  pair.outer_min = static_cast<float>(outer_min);
  pair.outer_max = static_cast<float>(outer_max);
  pair.skips = static_cast<std::int32_t>(skips);
  return pair;
}

std::string row_prefix(const char* key, std::size_t row) { return std::string(key) + "[" + std::to_string(row) + "]."; }

Status read_layers(const toml::array& tables, const std::string& path, std::vector<LayerRow>& layers) {
  for (const toml::node& node : tables) {
    const std::string prefix = row_prefix("layer", layers.size());
    if (layers.size() == kMaxLayers)
      return invalid_argument(toml_place(path, node) + prefix.substr(0, prefix.size() - 1) + ": more than " +
                              std::to_string(kMaxLayers) + " layers");
    Result<LayerRow> row = read_layer(*node.as_table(), path, prefix);
    if (!row.ok()) return row.status();
    for (const LayerRow& other : layers) {
      if (other.name == row->name)
        return invalid_argument(toml_place(path, node) + prefix + "name: \"" + row->name + "\" is there twice");
      if (other.volume == row->volume && other.layer == row->layer)
        return invalid_argument(toml_place(path, node) + prefix + "layer: volume " + std::to_string(row->volume) +
                                ", layer " + std::to_string(row->layer) + " is there twice");
    }
    layers.push_back(std::move(*row));
  }
  return {};
}

Status read_pairs(const toml::array& tables, const std::string& path, const std::vector<LayerRow>& layers,
                  std::vector<LayerPair>& pairs) {
  for (const toml::node& node : tables) {
    const std::string prefix = row_prefix("pair", pairs.size());
    Result<LayerPair> pair = read_pair(*node.as_table(), path, prefix, layers);
    if (!pair.ok()) return pair.status();
    for (const LayerPair& other : pairs)
      if (other.inner == pair->inner && other.outer == pair->outer)
        return invalid_argument(toml_place(path, node) + prefix + "outer: the pair " + layers[pair->inner].name + ", " +
                                layers[pair->outer].name + " is there twice");
    pairs.push_back(*pair);
  }
  std::sort(pairs.begin(), pairs.end(), [](const LayerPair& a, const LayerPair& b) {
    return std::pair(a.inner, a.outer) < std::pair(b.inner, b.outer);
  });
  return {};
}

Status read_beam_pipe(const toml::table& table, const std::string& path, GeometryToml& out) {
  TomlReader reader(table, path, "beam_pipe.");
  reader.need("radius", out.beam_pipe_radius, 0, kMaxLength);
  reader.need("x0", out.beam_pipe_x0, 0, 10);
  return reader.finish();
}

}  // namespace

Result<GeometryToml> parse_geometry(const std::string& text, const std::string& path) {
  const Result<toml::table> table = parse_toml(text, path);
  if (!table.ok()) return table.status();
  GeometryToml out;
  TomlReader reader(*table, path);
  reader.need("name", out.name);
  reader.need("field", out.field, -20, 20);
  const toml::table* beam_pipe = reader.need_table("beam_pipe");
  const toml::array* layers = reader.need_tables("layer");
  const toml::array* pairs = reader.need_tables("pair");
  if (out.field == 0) reader.fail("field", "is 0: momenta cannot be measured");
  if (Status status = reader.finish(); !status.ok()) return status;
  if (Status status = read_beam_pipe(*beam_pipe, path, out); !status.ok()) return status;
  if (Status status = read_layers(*layers, path, out.layers); !status.ok()) return status;
  if (Status status = read_pairs(*pairs, path, out.layers, out.pairs); !status.ok()) return status;
  return out;
}

}  // namespace helix
