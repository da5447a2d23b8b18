#include "kernels/exatrkx/model.h"

#include "kernels/core/file.h"
#include "kernels/core/toml_reader.h"
#include "kernels/geometry/digest.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace helix::exatrkx {
namespace {

constexpr std::array kFeatureNames{"x",     "y",     "z",     "r",      "phi",    "cos_phi", "sin_phi", "eta",
                                   "theta", "var_u", "var_v", "size_u", "size_v", "charge",  "local_u", "local_v"};
constexpr std::array kDirectionNames{"inside_out", "larger_first", "smaller_first"};

/// Place of a name in a table, or its size.
template <std::size_t Size>
std::size_t place_of(const std::array<const char*, Size>& names, const std::string& name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

template <std::size_t Size>
std::string listed(const std::array<const char*, Size>& names) {
  std::string all;
  for (const char* name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

void read_features(TomlReader& reader, Model& model) {
  std::vector<std::string> names;
  std::vector<double> scales;
  reader.need_texts("names", names);
  reader.need_numbers("scales", scales, 1e-6, 1e6);
  for (const std::string& name : names) {
    const std::size_t at = place_of(kFeatureNames, name);
    if (at == kFeatureNames.size()) return reader.fail("names", "\"" + name + "\" is none of " + listed(kFeatureNames));
    model.features.push_back(static_cast<HitFeature>(at));
  }
  if (model.features.empty()) return reader.fail("names", "is empty");
  if (scales.size() != names.size())
    return reader.fail("scales",
                       std::to_string(scales.size()) + " numbers for " + std::to_string(names.size()) + " features");
  for (const double scale : scales) model.scales.push_back(static_cast<float>(scale));
}

void read_float(TomlReader& reader, const char* key, float& value, double low, double high) {
  double number = 0;
  reader.need(key, number, low, high);
  value = static_cast<float>(number);
}

void read_index(TomlReader& reader, const char* key, Index& value, std::int64_t low, std::int64_t high) {
  std::int64_t number = 0;
  reader.need(key, number, low, high);
  value = static_cast<Index>(number);
}

void read_graph(TomlReader& reader, Model& model) {
  read_index(reader, "dimensions", model.dimensions, 2, 16);
  read_float(reader, "radius", model.radius, 1e-6, 1e6);
  read_index(reader, "max_neighbours", model.max_neighbours, 2, 1'000'000);
  std::string order;
  reader.need("order", order);
  const std::size_t at = place_of(kDirectionNames, order);
  if (at == kDirectionNames.size())
    return reader.fail("order", "\"" + order + "\" is none of " + listed(kDirectionNames));
  model.direction = static_cast<Direction>(at);
}

void read_tracks(TomlReader& reader, Model& model) {
  read_index(reader, "min_hits", model.min_hits, 1, 1000);
  reader.take("walk", model.walk);
  double walk_cut = model.edge_cut, field = 0, join_xy = 0, join_rz = 0;
  reader.take("walk_cut", walk_cut, 0, 1);
  reader.take("field", field, -20, 20);
  reader.take("join_xy", join_xy, 0, 1000);
  reader.take("join_rz", join_rz, 0, 1000);
  if ((join_xy > 0) != (join_rz > 0)) reader.fail("join_rz", "join_xy and join_rz are both needed, or neither");
  model.join = {static_cast<float>(join_xy), static_cast<float>(join_rz)};
  model.walk_cut = static_cast<float>(walk_cut);
  model.field = static_cast<float>(field);
}

/// How many of the features a network sees.
void read_features_of(TomlReader& reader, Index& features, const Model& model) {
  std::int64_t number = 0;
  reader.take("features", number, 1, static_cast<std::int64_t>(std::max<std::size_t>(model.features.size(), 1)));
  features = static_cast<Index>(number);
}

/// Reads one table with `read`, and complains of what is left in it.
template <class Read>
Status read_table(TomlReader& reader, const char* key, const std::string& path, const Read& read) {
  const toml::table* table = reader.need_table(key);
  if (table == nullptr) return {};  // noted by the reader
  TomlReader inside(*table, path, std::string(key) + ".");
  read(inside);
  return inside.finish();
}

Status check_digest(NetworkFile& file, const std::string& name, const Model& model) {
  file.path = model.folder + "/" + name;
  const Result<std::string> bytes = read_file(file.path);
  if (!bytes.ok()) return bytes.status();
  const std::string found = sha256(*bytes);
  if (found != file.digest)
    return invalid_argument(file.path + ": its SHA-256 is " + found + ", model.toml says " + file.digest);
  return {};
}

}  // namespace

std::vector<ModelSetting> describe_model(const Model& model) {
  const auto number = [](double value) {
    char digits[32];
    return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  };
  std::string features, scales;
  for (const HitFeature feature : model.features)
    features += (features.empty() ? "" : ", ") + std::string(name_of(feature));
  for (const float scale : model.scales) scales += (scales.empty() ? "" : ", ") + number(double{scale});
  return {{"features", "names", features, "what the networks are told of a hit"},
          {"features", "scales", scales, "value / scale is what they see"},
          {"graph", "dimensions", std::to_string(model.dimensions), "of the embedding"},
          {"graph", "radius", number(double{model.radius}), "largest distance of two neighbours in the embedding"},
          {"graph", "max_neighbours", std::to_string(model.max_neighbours),
           "nearest that are kept, the hit itself counted"},
          {"graph", "order", kDirectionNames[static_cast<std::size_t>(model.direction)],
           "which hit of an edge is its source"},
          {"filter", "cut", number(double{model.filter_cut}), "edges with a higher score stay"},
          {"gnn", "both_directions", model.both_directions ? "true" : "false", "the graph holds each edge both ways"},
          {"gnn", "cut", number(double{model.edge_cut}), "edges with a higher score join hits"},
          {"tracks", "min_hits", std::to_string(model.min_hits), "smaller components are no tracks"},
          {"tracks", "walk", model.walk ? "true" : "false", "chains of best edges instead of components"},
          {"tracks", "walk_cut", number(double{model.walk_cut}), "least score of an edge of a chain"},
          {"tracks", "join_xy", number(double{model.join.xy}),
           "mm, how well pieces of a track must lie on one circle to be joined; 0: they are not"},
          {"tracks", "join_rz", number(double{model.join.rz}), "mm, the same along the beam line"},
          {"tracks", "field", number(double{model.field}), "T, along z; 0: not known, q/pt is 0"}};
}

const char* name_of(HitFeature feature) { return kFeatureNames[static_cast<std::size_t>(feature)]; }

const OptionalColumn* column_of(HitFeature feature) {
  for (const OptionalColumn& column : kOptionalColumns)
    if (std::string_view(column.name) == name_of(feature)) return &column;
  return nullptr;
}

std::vector<OptionalColumn> columns_of(const Model& model) {
  std::vector<OptionalColumn> columns;
  for (const HitFeature feature : model.features)
    if (const OptionalColumn* column = column_of(feature)) columns.push_back(*column);
  return columns;
}

Result<Model> load_model(const std::string& folder) {
  const std::string path = folder + "/model.toml";
  const Result<std::string> text = read_file(path);
  if (!text.ok()) return text.status();
  const Result<toml::table> table = parse_toml(*text, path);
  if (!table.ok()) return table.status();
  Model model;
  model.folder = folder;
  TomlReader reader(*table, path);
  reader.need("name", model.name);
  const Status parts[] = {read_table(reader, "features", path, [&](TomlReader& r) { read_features(r, model); }),
                          read_table(reader, "graph", path,
                                     [&](TomlReader& r) {
                                       read_graph(r, model);
                                       read_features_of(r, model.embed_features, model);
                                     }),
                          read_table(reader, "filter", path,
                                     [&](TomlReader& r) {
                                       read_float(r, "cut", model.filter_cut, 0, 1);
                                       read_features_of(r, model.filter_features, model);
                                     }),
                          read_table(reader, "gnn", path,
                                     [&](TomlReader& r) {
                                       r.take("both_directions", model.both_directions);
                                       read_features_of(r, model.gnn_features, model);
                                       read_float(r, "cut", model.edge_cut, 0, 1);
                                     }),
                          read_table(reader, "tracks", path, [&](TomlReader& r) { read_tracks(r, model); }),
                          read_table(reader, "digests", path, [&](TomlReader& r) {
                            r.need("embed", model.embed.digest);
                            r.need("filter", model.filter.digest);
                            r.need("gnn", model.gnn.digest);
                          })};
  if (Status status = reader.finish(); !status.ok()) return status;
  for (const Status& status : parts)
    if (!status.ok()) return status;
  for (const Status& status :
       {check_digest(model.embed, "embed.pt", model), check_digest(model.filter, "filter.pt", model),
        check_digest(model.gnn, "gnn.pt", model)})
    if (!status.ok()) return status;
  model.digest = sha256(*text);  // holds the digests of the files
  return model;
}

}  // namespace helix::exatrkx
