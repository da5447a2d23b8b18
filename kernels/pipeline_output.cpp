#include "kernels/pipeline_output.h"

#include <algorithm>

namespace helix {
namespace {

template <class T, class U>
void assign(std::vector<T>& to, Span<const U> from) {
  to.assign(from.begin(), from.end());
}

Tracks copy_tracks(const PipelineOutput& from) {
  Tracks to;
  assign(to.event_offsets, from.events.at);
  assign(to.hit_offsets, from.hit_rows.at);
  assign(to.hit, from.hit);
  assign(to.phi, from.phi);
  assign(to.dxy, from.dxy);
  assign(to.q_over_pt, from.q_over_pt);
  assign(to.cot_theta, from.cot_theta);
  assign(to.dz, from.dz);
  assign(to.chi2, from.chi2);
  assign(to.ndof, from.ndof);
  assign(to.score, from.score);
  assign(to.quality, from.quality);
  assign(to.vertex, from.vertex);
  to.covariance.resize(from.phi.size());
  for (std::size_t t = 0; t < from.phi.size(); ++t)
    std::copy_n(from.covariance.begin() + t * kCovarianceSize, kCovarianceSize, to.covariance[t].begin());
  return to;
}

Vertices copy_vertices(const PipelineOutput& from, Span<const BeamSpot> beam_spot) {
  const Offsets events = from.vertices.events;
  Vertices to;
  assign(to.event_offsets, events.at);
  for (std::size_t e = 0; e + 1 < events.at.size(); ++e)
    for (auto v = static_cast<std::size_t>(events.at[e]); v < static_cast<std::size_t>(events.at[e + 1]); ++v) {
      to.x.push_back(beam_spot[e].x);
      to.y.push_back(beam_spot[e].y);
      to.z.push_back(from.vertices.z[v] + beam_spot[e].z);
    }
  assign(to.var_z, from.vertices.var_z);
  assign(to.n_tracks, from.vertices.n_tracks);
  assign(to.sum_pt2, from.vertices.sum_pt2);
  assign(to.chi2, from.vertices.chi2);
  return to;
}

}  // namespace

BatchResult copy_result(const PipelineOutput& output, Span<const BeamSpot> beam_spot) {
  BatchResult result;
  result.tracks = copy_tracks(output);
  result.vertices = copy_vertices(output, beam_spot);
  assign(result.counters, output.counters);
  return result;
}

}  // namespace helix
