#include "server/transport/encode.h"

#include <string>

namespace helix::server {
namespace {

template <class T, class Out>
void put_range(const std::vector<T>& column, Index begin, Index end, Out& out) {
  out.Add(column.begin() + begin, column.begin() + end);
}

/// Columns of the tracks that are sent, event after event.
class TrackWriter {
 public:
  TrackWriter(const Tracks& tracks, v1::Tracks& out) : in_(tracks), out_(out) {}

  void write(Index first_event, Index n_events, std::uint32_t min_quality) {
    out_.add_event_offsets(0);
    out_.add_hit_offsets(0);
    for (Index event = first_event; event < first_event + n_events; ++event) {
      const Index end = in_.event_offsets[event + 1];
      for (Index track = in_.event_offsets[event]; track < end; ++track)
        if (in_.quality[track] >= min_quality) add(track);
      out_.add_event_offsets(static_cast<std::uint32_t>(out_.phi_size()));
    }
  }

  void reserve(Index first_event, Index n_events) {
    const Index begin = in_.event_offsets[first_event], end = in_.event_offsets[first_event + n_events];
    const int n = end - begin;
    out_.mutable_event_offsets()->Reserve(n_events + 1);
    out_.mutable_hit_offsets()->Reserve(n + 1);
    out_.mutable_hit()->Reserve(in_.hit_offsets[end] - in_.hit_offsets[begin]);
    out_.mutable_covariance()->Reserve(n * kCovarianceSize);
    for (auto* column : {out_.mutable_phi(), out_.mutable_dxy(), out_.mutable_q_over_pt(), out_.mutable_cot_theta(),
                         out_.mutable_dz(), out_.mutable_chi2(), out_.mutable_score()})
      column->Reserve(n);
    out_.mutable_ndof()->Reserve(n);
    out_.mutable_quality()->Reserve(n);
    out_.mutable_vertex()->Reserve(n);
  }

 private:
  void add(Index track) {
    put_range(in_.hit, in_.hit_offsets[track], in_.hit_offsets[track + 1], *out_.mutable_hit());
    out_.add_hit_offsets(static_cast<std::uint32_t>(out_.hit_size()));
    out_.add_phi(in_.phi[track]);
    out_.add_dxy(in_.dxy[track]);
    out_.add_q_over_pt(in_.q_over_pt[track]);
    out_.add_cot_theta(in_.cot_theta[track]);
    out_.add_dz(in_.dz[track]);
    out_.mutable_covariance()->Add(in_.covariance[track].begin(), in_.covariance[track].end());
    out_.add_chi2(in_.chi2[track]);
    out_.add_ndof(static_cast<std::uint32_t>(in_.ndof[track]));
    out_.add_quality(in_.quality[track]);
    out_.add_score(in_.score[track]);
    out_.add_vertex(in_.vertex[track]);
  }

  const Tracks& in_;
  v1::Tracks& out_;
};

void write_vertices(const Vertices& in, Index first_event, Index n_events, v1::Vertices& out) {
  const Index begin = in.event_offsets[first_event], end = in.event_offsets[first_event + n_events];
  for (Index event = first_event; event <= first_event + n_events; ++event)
    out.add_event_offsets(static_cast<std::uint32_t>(in.event_offsets[event] - begin));
  put_range(in.x, begin, end, *out.mutable_x());
  put_range(in.y, begin, end, *out.mutable_y());
  put_range(in.z, begin, end, *out.mutable_z());
  put_range(in.var_z, begin, end, *out.mutable_var_z());
  put_range(in.n_tracks, begin, end, *out.mutable_n_tracks());
  put_range(in.sum_pt2, begin, end, *out.mutable_sum_pt2());
  put_range(in.chi2, begin, end, *out.mutable_chi2());
}

void write_counters(const EventCounters& in, v1::EventCounters& out) {
  out.set_hits(static_cast<std::uint32_t>(in.hits));
  out.set_doublets(static_cast<std::uint32_t>(in.doublets));
  out.set_cells(static_cast<std::uint32_t>(in.cells));
  out.set_tuples(static_cast<std::uint32_t>(in.tuples));
  out.set_tracks(static_cast<std::uint32_t>(in.tracks));
  out.set_vertices(static_cast<std::uint32_t>(in.vertices));
}

std::uint64_t ns(std::chrono::nanoseconds time) { return static_cast<std::uint64_t>(time.count()); }

void write_times(const Answer& answer, v1::TimeSplit& out) {
  const BatchResult& result = answer.result;
  out.set_queue(ns(answer.queue));
  out.set_batch(ns(answer.gather));
  out.set_copy_in(ns(result.copy_in));
  out.set_compute(ns(result.compute));
  out.set_copy_out(ns(result.copy_out));
  out.set_batch_events(static_cast<std::uint32_t>(answer.batch_events));
  out.set_batch_hits(static_cast<std::uint32_t>(answer.batch_hits));
  out.set_lane(static_cast<std::uint32_t>(answer.lane));
  for (const StageTime& stage : result.stages) {
    v1::StageTime& row = *out.add_stages();
    row.set_stage(stage.stage);
    row.set_time(ns(stage.time));
  }
}

void write_provenance(const Answer& answer, const Pipeline& pipeline, v1::Provenance& out) {
  out.set_pipeline(pipeline.facts().name);
  out.set_version(HELIX_VERSION);
  out.set_geometry(pipeline.detector().name);
  out.set_geometry_digest(pipeline.detector().digest);
  out.set_settings_digest(pipeline.facts().settings_digest);
  out.set_backend(answer.backend);
  out.set_device(answer.device);
}

void write_limits(const PipelineFacts& facts, v1::Limits& out) {
  out.set_max_events(static_cast<std::uint32_t>(facts.limits.max_events));
  out.set_max_hits(static_cast<std::uint32_t>(facts.limits.max_hits));
  out.set_max_hits_per_event(static_cast<std::uint32_t>(facts.limits.max_hits_per_event));
  out.set_max_message_bytes(facts.max_message_bytes);
  out.set_memory_budget_bytes(facts.memory_budget);
}

}  // namespace

void encode(const Answer& answer, const Pipeline& pipeline, std::uint32_t min_quality,
            v1::ReconstructResponse& response) {
  TrackWriter tracks(answer.result.tracks, *response.mutable_tracks());
  tracks.reserve(answer.first_event, answer.n_events);
  tracks.write(answer.first_event, answer.n_events, min_quality);
  write_vertices(answer.result.vertices, answer.first_event, answer.n_events, *response.mutable_vertices());
  write_provenance(answer, pipeline, *response.mutable_provenance());
  write_times(answer, *response.mutable_time());
  for (Index event = answer.first_event; event < answer.first_event + answer.n_events; ++event)
    write_counters(answer.result.counters[event], *response.add_counters());
}

void encode(const Pipeline& pipeline, v1::DescribePipelineResponse& response) {
  const Detector& detector = pipeline.detector();
  response.set_pipeline(pipeline.facts().name);
  response.set_version(HELIX_VERSION);
  response.set_geometry(detector.name);
  response.set_geometry_digest(detector.digest);
  response.set_settings_digest(pipeline.facts().settings_digest);
  response.set_modules(static_cast<std::uint32_t>(detector.modules.size()));
  response.set_layers(static_cast<std::uint32_t>(detector.layers.size()));
  response.set_field(detector.field);
  response.set_backend(pipeline.lanes().backend());
  for (const std::string& device : pipeline.lanes().devices()) response.add_devices(device);
  for (const Parameter& parameter : pipeline.facts().parameters) {
    v1::Parameter& row = *response.add_parameters();
    row.set_stage(parameter.stage);
    row.set_name(parameter.setting.name);
    row.set_value(parameter.setting.value);
    row.set_unit(parameter.setting.unit);
    row.set_range(parameter.setting.range);
    row.set_help(parameter.setting.help);
  }
  write_limits(pipeline.facts(), *response.mutable_limits());
  for (const OptionalColumn& column : pipeline.facts().columns) response.add_hit_columns(column.name);
  response.set_hit_columns_needed(!pipeline.facts().columns_needed_by.empty());
}

}  // namespace helix::server
