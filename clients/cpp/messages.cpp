#include "clients/cpp/messages.h"

#include <algorithm>
#include <utility>

namespace helix {
namespace {

template <class T, class Field>
void put(Span<const T> from, Field* to) {
  to->Add(from.begin(), from.end());
}

void put(Span<const BeamSpot> from, v1::Hits* to) {
  for (const BeamSpot& spot : from) {
    to->add_beam_x(spot.x);
    to->add_beam_y(spot.y);
    to->add_beam_z(spot.z);
  }
}

template <class T, class Field>
void take(const Field& from, std::vector<T>& to) {
  to.assign(from.begin(), from.end());
}

/// Checks of an answer: the first that fails is kept.
class Checks {
 public:
  void length(const char* column, std::size_t is, std::size_t expected) {
    if (is != expected)
      fail(std::string(column) + " has " + std::to_string(is) + " values, expected " + std::to_string(expected));
  }

  void offsets(const char* column, const std::vector<Index>& at, std::size_t total) {
    if (at.empty() || at.front() != 0 || !std::is_sorted(at.begin(), at.end()) ||
        static_cast<std::size_t>(at.back()) != total)
      fail(std::string(column) + " do not run from 0 to " + std::to_string(total));
  }

  /// Rows of [rows.size()] things, each below its own limit.
  template <class Limit>
  void rows(const char* column, const std::vector<Index>& rows, Index least, Limit limit) {
    for (std::size_t i = 0; i < rows.size() && failure_.empty(); ++i)
      if (rows[i] < least || rows[i] >= limit(i))
        fail(std::string(column) + "[" + std::to_string(i) + "] is " + std::to_string(rows[i]) + ", there are " +
             std::to_string(limit(i)));
  }
  bool ok() const { return failure_.empty(); }

  Status status() const { return failure_.empty() ? Status() : internal_error("answer of the server: " + failure_); }

 private:
  void fail(std::string what) {
    if (failure_.empty()) failure_ = std::move(what);
  }
  std::string failure_;
};

Tracks decode_tracks(const v1::Tracks& from) {
  Tracks to;
  take(from.event_offsets(), to.event_offsets);
  take(from.hit_offsets(), to.hit_offsets);
  take(from.hit(), to.hit);
  take(from.phi(), to.phi);
  take(from.dxy(), to.dxy);
  take(from.q_over_pt(), to.q_over_pt);
  take(from.cot_theta(), to.cot_theta);
  take(from.dz(), to.dz);
  to.covariance.resize(static_cast<std::size_t>(from.covariance_size()) / kCovarianceSize);
  for (std::size_t i = 0; i < to.covariance.size(); ++i)
    std::copy_n(from.covariance().data() + i * kCovarianceSize, kCovarianceSize, to.covariance[i].begin());
  take(from.chi2(), to.chi2);
  take(from.ndof(), to.ndof);
  take(from.score(), to.score);
  take(from.quality(), to.quality);
  take(from.vertex(), to.vertex);
  return to;
}

void check(const v1::Tracks& from, const Tracks& to, Checks& checks) {
  const std::size_t n = to.phi.size();
  checks.offsets("tracks.event_offsets", to.event_offsets, n);
  checks.length("tracks.hit_offsets", to.hit_offsets.size(), n + 1);
  checks.offsets("tracks.hit_offsets", to.hit_offsets, to.hit.size());
  checks.length("tracks.dxy", to.dxy.size(), n);
  checks.length("tracks.q_over_pt", to.q_over_pt.size(), n);
  checks.length("tracks.cot_theta", to.cot_theta.size(), n);
  checks.length("tracks.dz", to.dz.size(), n);
  checks.length("tracks.covariance", static_cast<std::size_t>(from.covariance_size()), n * kCovarianceSize);
  checks.length("tracks.chi2", to.chi2.size(), n);
  checks.length("tracks.ndof", to.ndof.size(), n);
  checks.length("tracks.score", to.score.size(), n);
  checks.length("tracks.quality", to.quality.size(), n);
  checks.length("tracks.vertex", to.vertex.size(), n);
}

Vertices decode_vertices(const v1::Vertices& from) {
  Vertices to;
  take(from.event_offsets(), to.event_offsets);
  take(from.x(), to.x);
  take(from.y(), to.y);
  take(from.z(), to.z);
  take(from.var_z(), to.var_z);
  take(from.n_tracks(), to.n_tracks);
  take(from.sum_pt2(), to.sum_pt2);
  take(from.chi2(), to.chi2);
  return to;
}

void check(const Vertices& to, Checks& checks) {
  const std::size_t n = to.z.size();
  checks.offsets("vertices.event_offsets", to.event_offsets, n);
  checks.length("vertices.x", to.x.size(), n);
  checks.length("vertices.y", to.y.size(), n);
  checks.length("vertices.var_z", to.var_z.size(), n);
  checks.length("vertices.n_tracks", to.n_tracks.size(), n);
  checks.length("vertices.sum_pt2", to.sum_pt2.size(), n);
  checks.length("vertices.chi2", to.chi2.size(), n);
}

/// Hits of each event of a call.
std::vector<Index> hits_of_events(const HitColumns& hits) {
  if (hits.event_offsets.empty()) return {static_cast<Index>(hits.x.size())};
  std::vector<Index> sizes;
  for (std::size_t i = 1; i < hits.event_offsets.size(); ++i)
    sizes.push_back(static_cast<Index>(hits.event_offsets[i] - hits.event_offsets[i - 1]));
  return sizes;
}

/// That tracks name hits and vertices of their own event. All offsets have been checked.
void check_rows(const Reconstruction& r, const HitColumns& hits, Checks& checks) {
  const std::vector<Index> n_hits = hits_of_events(hits);
  checks.length("tracks.event_offsets", r.tracks.event_offsets.size(), n_hits.size() + 1);
  checks.length("vertices.event_offsets", r.vertices.event_offsets.size(), n_hits.size() + 1);
  if (!checks.ok()) return;
  std::vector<Index> hit_limit, vertex_limit;  // [hits of tracks], [tracks]
  for (std::size_t event = 0; event < n_hits.size(); ++event) {
    const Index end = r.tracks.event_offsets[event + 1];
    hit_limit.resize(static_cast<std::size_t>(r.tracks.hit_offsets[end]), n_hits[event]);
    vertex_limit.resize(static_cast<std::size_t>(end),
                        r.vertices.event_offsets[event + 1] - r.vertices.event_offsets[event]);
  }
  checks.rows("tracks.hit", r.tracks.hit, 0, [&](std::size_t i) { return hit_limit[i]; });
  checks.rows("tracks.vertex", r.tracks.vertex, -1, [&](std::size_t i) { return vertex_limit[i]; });
}

EventCounters decode_counters(const v1::EventCounters& from) {
  return {static_cast<Index>(from.hits()),   static_cast<Index>(from.doublets()), static_cast<Index>(from.cells()),
          static_cast<Index>(from.tuples()), static_cast<Index>(from.tracks()),   static_cast<Index>(from.vertices())};
}

Provenance decode_provenance(const v1::Provenance& from) {
  return {from.pipeline(),        from.version(), from.geometry(), from.geometry_digest(),
          from.settings_digest(), from.backend(), from.device()};
}

}  // namespace

v1::ReconstructRequest encode(const ReconstructCall& call) {
  v1::ReconstructRequest to;
  to.set_pipeline(call.pipeline);
  to.set_request_id(call.request_id);
  if (call.min_quality) to.set_min_quality(*call.min_quality);
  v1::Hits* hits = to.mutable_hits();
  const HitColumns& from = call.hits;
  put(from.event_offsets, hits->mutable_event_offsets());
  put(from.x, hits->mutable_x());
  put(from.y, hits->mutable_y());
  put(from.z, hits->mutable_z());
  put(from.module_index, hits->mutable_module_index());
  put(from.volume_id, hits->mutable_volume_id());
  put(from.layer_id, hits->mutable_layer_id());
  put(from.module_id, hits->mutable_module_id());
  put(from.var_u, hits->mutable_var_u());
  put(from.var_v, hits->mutable_var_v());
  put(from.size_u, hits->mutable_size_u());
  put(from.size_v, hits->mutable_size_v());
  put(from.charge, hits->mutable_charge());
  put(from.local_u, hits->mutable_local_u());
  put(from.local_v, hits->mutable_local_v());
  put(from.beam_spot, hits);
  return to;
}

Result<Reconstruction> decode(const v1::ReconstructResponse& answer, const HitColumns& hits) {
  Reconstruction to;
  to.request_id = answer.request_id();
  to.tracks = decode_tracks(answer.tracks());
  to.vertices = decode_vertices(answer.vertices());
  for (const auto& counters : answer.counters()) to.counters.push_back(decode_counters(counters));
  to.provenance = decode_provenance(answer.provenance());
  to.time = decode(answer.time());

  Checks checks;
  check(answer.tracks(), to.tracks, checks);
  check(to.vertices, checks);
  if (checks.ok()) check_rows(to, hits, checks);
  if (Status status = checks.status(); !status.ok()) return status;
  return to;
}

TimeSplit decode(const v1::TimeSplit& from) {
  using std::chrono::nanoseconds;
  TimeSplit to;
  to.queue = nanoseconds(from.queue());
  to.batch = nanoseconds(from.batch());
  to.copy_in = nanoseconds(from.copy_in());
  to.compute = nanoseconds(from.compute());
  to.copy_out = nanoseconds(from.copy_out());
  for (const auto& stage : from.stages()) to.stages.push_back({stage.stage(), nanoseconds(stage.time())});
  to.batch_events = from.batch_events();
  to.batch_hits = from.batch_hits();
  return to;
}

PipelineDescription decode(const v1::DescribePipelineResponse& answer) {
  PipelineDescription to;
  to.provenance.pipeline = answer.pipeline();
  to.provenance.version = answer.version();
  to.provenance.geometry = answer.geometry();
  to.provenance.geometry_digest = answer.geometry_digest();
  to.provenance.settings_digest = answer.settings_digest();
  to.provenance.backend = answer.backend();
  to.modules = answer.modules();
  to.layers = answer.layers();
  to.field = answer.field();
  for (const auto& p : answer.parameters())
    to.parameters.push_back({p.stage(), p.name(), p.value(), p.unit(), p.range(), p.help()});
  to.devices.assign(answer.devices().begin(), answer.devices().end());
  to.hit_columns.assign(answer.hit_columns().begin(), answer.hit_columns().end());
  to.hit_columns_needed = answer.hit_columns_needed();
  to.max_events = answer.limits().max_events();
  to.max_hits = answer.limits().max_hits();
  to.max_hits_per_event = answer.limits().max_hits_per_event();
  to.max_message_bytes = answer.limits().max_message_bytes();
  to.memory_budget_bytes = answer.limits().memory_budget_bytes();
  return to;
}

}  // namespace helix
