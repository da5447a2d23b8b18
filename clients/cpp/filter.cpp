#include "clients/cpp/filter.h"

namespace helix {
namespace {

void append(const Tracks& from, Index track, Tracks& to) {
  to.hit.insert(to.hit.end(), from.hit.begin() + from.hit_offsets[track],
                from.hit.begin() + from.hit_offsets[track + 1]);
  to.hit_offsets.push_back(static_cast<Index>(to.hit.size()));
  to.phi.push_back(from.phi[track]);
  to.dxy.push_back(from.dxy[track]);
  to.q_over_pt.push_back(from.q_over_pt[track]);
  to.cot_theta.push_back(from.cot_theta[track]);
  to.dz.push_back(from.dz[track]);
  to.covariance.push_back(from.covariance[track]);
  to.chi2.push_back(from.chi2[track]);
  to.ndof.push_back(from.ndof[track]);
  to.score.push_back(from.score[track]);
  to.quality.push_back(from.quality[track]);
  to.vertex.push_back(from.vertex[track]);
}

}  // namespace

Tracks with_quality(const Tracks& tracks, std::uint32_t least) {
  Tracks kept;
  kept.event_offsets.push_back(0);
  kept.hit_offsets.push_back(0);
  for (std::size_t event = 0; event + 1 < tracks.event_offsets.size(); ++event) {
    for (Index track = tracks.event_offsets[event]; track < tracks.event_offsets[event + 1]; ++track)
      if (tracks.quality[track] >= least) append(tracks, track, kept);
    kept.event_offsets.push_back(kept.n_tracks());
  }
  return kept;
}

}  // namespace helix
