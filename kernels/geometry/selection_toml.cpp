#include "kernels/core/toml_reader.h"
#include "kernels/geometry/geometry_files.h"

#include <algorithm>
#include <string_view>

namespace helix {
namespace {

constexpr double kLargest = 1e6;
constexpr std::size_t kMostNodes = 4096;

/// One [[term]]: score, layers, feature, range and values.
Status read_term(const toml::table& table, const std::string& path, const std::string& prefix, SelectionToml& out) {
  TomlReader reader(table, path, prefix);
  std::int64_t score = 0, layers = 0;
  std::string feature;
  double low = 0, high = 0;
  std::vector<double> values;
  reader.need("score", score, 1, kScores);
  reader.need("layers", layers, 3, 2 + kTrackClasses);
  reader.need("feature", feature);
  reader.need_range("range", low, high);
  reader.need_numbers("values", values, -kLargest, kLargest);
  const auto* name =
      std::find_if(kFeatureNames, kFeatureNames + kFeatures, [&](const char* n) { return n == feature; });
  if (name == kFeatureNames + kFeatures) reader.fail("feature", "\"" + feature + "\" is no feature");
  if (values.size() < 2 || values.size() > kMostNodes)
    reader.fail("values", std::to_string(values.size()) + " numbers, 2 to " + std::to_string(kMostNodes) + " wanted");
  if (!(high > low)) reader.fail("range", "is empty");
  if (Status status = reader.finish(); !status.ok()) return status;
  ScoreTerms& terms = out.terms[static_cast<std::size_t>((score - 1) * kTrackClasses + (layers - 3))];
  const auto row = static_cast<Feature>(name - kFeatureNames);
  if (terms.first[row] != 0)
    return invalid_argument(toml_place(path, table) + prefix + "feature: this term is there twice");
  terms.set(row, low, high, out.values.size(), values.size());
  for (const double value : values) out.values.push_back(static_cast<float>(value));
  return {};
}

SelectionToml without_terms() {
  SelectionToml out;
  out.terms.resize(static_cast<std::size_t>(kScores) * kTrackClasses);
  out.values = {0.f, 0.f};
  return out;
}

}  // namespace

Result<SelectionToml> parse_selection(const std::string& text, const std::string& path) {
  const Result<toml::table> table = parse_toml(text, path);
  if (!table.ok()) return table.status();
  TomlReader reader(*table, path);
  const toml::array* terms = reader.need_tables("term");
  if (Status status = reader.finish(); !status.ok()) return status;
  SelectionToml out = without_terms();
  std::size_t row = 0;
  for (const toml::node& node : *terms) {
    const std::string prefix = "term[" + std::to_string(row++) + "].";
    if (Status status = read_term(*node.as_table(), path, prefix, out); !status.ok()) return status;
  }
  return out;
}

SelectionToml plain_selection() {
  SelectionToml out = without_terms();
  const auto add = [&](int track_class, Feature feature, double low, double high, std::initializer_list<float> values) {
    for (int score = 0; score < kScores; ++score) {
      out.terms[static_cast<std::size_t>(score * kTrackClasses + track_class)].set(feature, low, high,
                                                                                   out.values.size(), values.size());
      out.values.insert(out.values.end(), values);
    }
  };
  for (int c = 0; c < kTrackClasses; ++c) {
    add(c, kLineChi2, 0, 4, {1.f + static_cast<float>(c), -7.f});
    add(c, kCircleChi2, 0, 4, {0.f, -8.f});
    add(c, kMissingOuter, 0, 2, {0.f, -4.f});
    add(c, kMissingInner, 0, 2, {0.f, -4.f});
  }
  return out;
}

}  // namespace helix
