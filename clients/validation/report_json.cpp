#include "clients/cpp/json_writer.h"
#include "clients/validation/report.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace helix::validation {
namespace {

void put_cuts(JsonWriter& json, const Cuts& cuts) {
  json.key("cuts").open('{');
  json.key("min_hits").value(cuts.min_hits).key("min_pt").value(cuts.min_pt).key("max_eta").value(cuts.max_eta);
  json.key("max_radius").value(cuts.max_radius).key("max_vz").value(cuts.max_vz);
  json.key("vertex_min_pt").value(cuts.vertex_min_pt).key("vertex_min_tracks").value(cuts.vertex_min_tracks);
  json.key("min_quality").value(cuts.min_quality).close('}');
}

void put_tracks(JsonWriter& json, const Totals& t) {
  const std::int64_t fakes = t.tracks - t.matched;
  json.key("tracks").open('{');
  json.key("particles").value(t.particles).key("found").value(t.found);
  json.key("efficiency").value(ratio(t.found, t.particles)).key("tracks").value(t.tracks);
  json.key("fakes").value(fakes).key("fake_rate").value(ratio(fakes, t.tracks));
  json.key("duplicates").value(t.duplicates).key("duplicate_rate").value(ratio(t.duplicates, t.tracks));
  json.key("mean_hits").value(ratio(t.track_hits, t.tracks));
  json.key("hit_purity").value(ratio(t.right_hits, t.matched_hits));
  json.key("hit_efficiency").value(ratio(t.hit_share, t.hit_share_n));
  json.key("trackml_score").value(t.trackml / static_cast<double>(std::max<std::int64_t>(t.weighed_events, 1)));
  json.key("unknown_hit_ids").value(t.unknown_hits).key("repeated_hits").value(t.repeated_hits);
  json.key("parameters_not_finite").value(t.not_finite);
  if (t.parameters) {
    json.key("fake_rate_in_acceptance").value(ratio(t.fakes_in, t.tracks_in));
    json.key("duplicate_rate_in_acceptance").value(ratio(t.duplicates_in, t.tracks_in));
  }
  if (t.charge_all > 0) json.key("charge_right").value(ratio(t.charge_right, t.charge_all));
  json.close('}');
}

void put_binned(JsonWriter& json, const char* name, const Totals::Passed& column, const std::vector<double>& edges) {
  const Binned b = bin(column.value, column.passed, edges);
  json.key(name).open('{').key("edges").value(b.edges).key("total").value(b.total).key("passed").value(b.passed);
  json.key("rate").open('[');
  for (std::size_t i = 0; i < b.total.size(); ++i) json.value(b.rate(i));
  json.close(']').close('}');
}

void put_tables(JsonWriter& json, const Totals& t) {
  json.key("efficiency").open('{');
  put_binned(json, "pt", t.found_pt, kPtEdges);
  put_binned(json, "eta", t.found_eta, kEtaEdges);
  put_binned(json, "radius", t.found_radius, kRadiusEdges);
  json.close('}');
  if (!t.parameters) return;
  json.key("fake").open('{');
  put_binned(json, "pt", t.fake_pt, kPtEdges);
  put_binned(json, "eta", t.fake_eta, kEtaEdges);
  json.close('}').key("duplicate").open('{');
  put_binned(json, "pt", t.duplicate_pt, kPtEdges);
  put_binned(json, "eta", t.duplicate_eta, kEtaEdges);
  json.close('}');
}

/// The inside of a distribution's object; the caller opens and closes it.
void put_distribution(JsonWriter& json, const Distribution& d) {
  json.key("n").value(static_cast<std::uint64_t>(d.n)).key("median").value(d.median).key("sigma68").value(d.sigma68);
  json.key("core").value(d.core).key("tail_beyond_5_sigma68").value(d.tail_beyond_5_sigma68);
}

/// Core widths in slices of a true quantity: [low, high, core or null] each.
void put_slices(JsonWriter& json, const char* name, const Residuals& r, const std::vector<double>& quantity,
                const std::vector<double>& edges) {
  json.key(name).open('[');
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    std::vector<double> slice;
    for (std::size_t row = 0; row < quantity.size(); ++row)
      if (quantity[row] >= edges[i] && quantity[row] < edges[i + 1]) slice.push_back(r.value[row]);
    json.open('[').value(edges[i]).value(edges[i + 1]).value(core_width(std::move(slice))).close(']');
  }
  json.close(']');
}

void put_resolution(JsonWriter& json, const std::string& parameter, const Residuals& r) {
  static const std::vector<double> abs_eta_edges{0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4};
  const auto d = describe(r.value);
  if (!d) return;
  std::vector<double> abs_eta;
  for (double eta : r.true_eta) abs_eta.push_back(std::abs(eta));
  json.key(parameter).open('{');
  put_distribution(json, *d);
  put_slices(json, "by_pt", r, r.true_pt, kPtEdges);
  put_slices(json, "by_abs_eta", r, abs_eta, abs_eta_edges);
  json.close('}');
}

void put_described(JsonWriter& json, const std::string& name, const std::vector<double>& values) {
  json.key(name);
  const auto d = describe(values);
  if (!d) {
    json.null();
    return;
  }
  json.open('{');
  put_distribution(json, *d);
  json.close('}');
}

void put_residuals(JsonWriter& json, const Totals& t) {
  json.key("resolution").open('{');
  for (const std::string& parameter : kParameters)
    if (const auto found = t.residuals.find(parameter); found != t.residuals.end())
      put_resolution(json, parameter, found->second);
  json.close('}').key("pulls").open('{');
  for (const std::string& parameter : kParameters)
    if (const auto found = t.residuals.find(parameter); found != t.residuals.end() && describe(found->second.pull))
      put_described(json, parameter, found->second.pull);
  json.close('}');
}

void put_vertices(JsonWriter& json, const VertexMatches& v) {
  json.key("vertices").open('{');
  json.key("events").value(v.events).key("in_acceptance").value(v.accepted);
  json.key("efficiency").value(ratio(v.found, v.accepted));
  json.key("signal_efficiency").value(ratio(v.signal_found, v.signal)).key("reconstructed").value(v.reco);
  json.key("merge_rate").value(ratio(v.merged, v.accepted)).key("split_rate").value(ratio(v.split, v.reco));
  json.key("fake_rate").value(ratio(v.fake, v.reco));
  put_described(json, "z", v.dz);
  put_described(json, "z_signal", v.dz_signal);
  put_described(json, "z_pull", v.pull);
  json.key("first_is_signal").value(ratio(v.first_is_signal, v.first_known));
  json.key("tracks_at_right_vertex").value(ratio(v.right, v.assigned)).close('}');
}

}  // namespace

std::string to_json(const Totals& totals, const Cuts& cuts, const Frame& frame) {
  JsonWriter json;
  json.open('{');
  put_cuts(json, cuts);
  json.key("events").value(totals.events).key("missing_events").value(totals.missing_events);
  put_tracks(json, totals);
  put_tables(json, totals);
  put_residuals(json, totals);
  if (totals.vertices.events > 0) put_vertices(json, totals.vertices);
  json.key("beamspot").open('[');
  for (double x : frame.beam_spot) json.value(x);
  json.close(']').key("field").value(frame.field).close('}');
  return json.text();
}

}  // namespace helix::validation
