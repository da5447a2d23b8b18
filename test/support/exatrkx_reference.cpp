#include "test/support/exatrkx_reference.h"

#include "kernels/core/csv.h"

#include <cmath>
#include <stdexcept>

namespace helix::exatrkx::test {
namespace {

void read(const std::string& path, const std::vector<std::pair<std::string, CsvReader::Column>>& columns) {
  CsvReader csv("reference file");
  for (const auto& [name, column] : columns) csv.need(name, column);
  if (const Status status = csv.read(path); !status.ok()) throw std::runtime_error(status.message());
}

/// Columns side by side, row by row.
std::vector<float> read_rows(const std::string& path, const std::vector<std::string>& names) {
  std::vector<std::vector<float>> columns(names.size());
  std::vector<std::pair<std::string, CsvReader::Column>> wanted;
  for (std::size_t c = 0; c < names.size(); ++c) wanted.emplace_back(names[c], &columns[c]);
  read(path, wanted);
  std::vector<float> rows;
  for (std::size_t r = 0; r < columns[0].size(); ++r)
    for (const auto& column : columns) rows.push_back(column[r]);
  return rows;
}

}  // namespace

Reference read_reference(const std::string& folder) {
  Reference out;
  out.features = read_rows(folder + "/features.csv", {"r", "phi", "z"});
  out.embedding = read_rows(folder + "/embedding.csv", {"e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7"});
  read(folder + "/radius_edges.csv", {{"src", &out.near_source}, {"dst", &out.near_target}});
  read(folder + "/filtered_edges.csv", {{"src", &out.kept_source}, {"dst", &out.kept_target}});
  read(folder + "/filter_logits.csv", {{"logit", &out.filter_logit}});
  read(folder + "/gnn_logits.csv", {{"logit", &out.gnn_logit}});
  read(folder + "/components.csv", {{"component", &out.component}});
  return out;
}

void Event::append(const Reference& reference, const float (&scales)[3]) {
  for (std::size_t i = 0; i < reference.features.size(); i += 3) {
    const double r = double{reference.features[i]} * scales[0], phi = double{reference.features[i + 1]} * scales[1];
    x.push_back(static_cast<float>(r * std::cos(phi)));
    y.push_back(static_cast<float>(r * std::sin(phi)));
    z.push_back(reference.features[i + 2] * scales[2]);
  }
  offsets.push_back(static_cast<Index>(x.size()));
  spots.emplace_back();
}

HitBatch Event::view() const { return {x, y, z, {}, {}, {}, {}, {}, {offsets}, spots}; }

StoredNetworks::StoredNetworks(std::vector<Reference> events) {
  Index before = 0;
  for (const Reference& event : events) {
    embedding_.insert(embedding_.end(), event.embedding.begin(), event.embedding.end());
    for (std::size_t k = 0; k < event.near_source.size(); ++k)
      filter_[{event.near_source[k] + before, event.near_target[k] + before}] = event.filter_logit[k];
    for (std::size_t k = 0; k < event.kept_source.size(); ++k)
      gnn_[{event.kept_source[k] + before, event.kept_target[k] + before}] = event.gnn_logit[k];
    before += event.n_hits();
  }
}

Status StoredNetworks::embed(CpuExec&, Span<const float>, Span<float> out) const {
  std::copy(embedding_.begin(), embedding_.end(), out.begin());
  return {};
}
Status StoredNetworks::filter(CpuExec&, Span<const float>, const EdgeList& edges, Span<float> out) const {
  return look_up(filter_, edges, out);
}
Status StoredNetworks::classify(CpuExec&, Span<const float>, const EdgeList& edges, Span<float> out) const {
  return look_up(gnn_, edges, out);
}

Status StoredNetworks::look_up(const Logits& logits, const EdgeList& edges, Span<float> out) {
  for (Index k = 0; k < edges.n(); ++k) {
    const auto at = logits.find({edges.source[k], edges.target[k]});
    if (at == logits.end())
      return internal_error("edge " + std::to_string(edges.source[k]) + ", " + std::to_string(edges.target[k]) +
                            " is not stored");
    out[k] = at->second;
  }
  return {};
}

Model published_model() {
  Model model;
  model.name = "published";
  model.features = {HitFeature::r, HitFeature::phi, HitFeature::z};
  model.scales = {3000.f, 3.14159265f, 400.f};
  model.dimensions = 8;
  model.radius = 1.6f;
  model.max_neighbours = 500;
  model.direction = Direction::larger_first;
  model.filter_cut = 0.21f;
  model.edge_cut = 0.75f;
  model.min_hits = 1;
  return model;
}

}  // namespace helix::exatrkx::test
