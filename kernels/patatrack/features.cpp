#include "kernels/patatrack/features.h"

#include "kernels/core/lane_math.h"
#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"
#include "kernels/core/units.h"
#include "kernels/patatrack/expected.h"

#include <cmath>

namespace helix::patatrack {
namespace {

/// How many n-tuplets use each hit, and the most layers any of them has.
struct CountUses {
  Ntuplets tuples;
  Span<Index> uses, longest;  // [hits]
  HELIX_HD void operator()(Index t) const {
    for (Index k = tuples.rows.begin(t); k < tuples.rows.end(t); ++k) {
      atomic_add(&uses[tuples.hit[k]], Index{1});
      atomic_max(&longest[tuples.hit[k]], tuples.rows.size(t));
    }
  }
};

/// Layers that tracks cross in active area without a hit: before the first hit, between, behind the last.
struct CountMissing {
  HitBatch batch;
  SortedHits hits;
  Ntuplets tuples;
  Span<const TrackFit> fit;
  DetectorView detector;
  float margin, curvature_of;  // mm; 1/mm GeV: curvature over q/pt
  Span<TrackFeatures> out;

  HELIX_HD Helices helices(const Index (&tuple)[kLanes]) const {
    Helices h{};
    for (int i = 0; i < kLanes; ++i) {
      const TrackFit& f = fit[tuple[i]];
      const BeamSpot spot = batch.beam_spot[hits.event[tuples.hit[tuples.rows.begin(tuple[i])]]];
      lane(h.curvature, i) = f.q_over_pt * curvature_of;
      lane(h.dxy, i) = f.dxy;
      lane(h.cos_phi, i) = f.cos_phi;
      lane(h.sin_phi, i) = f.sin_phi;
      lane(h.z0, i) = f.dz + spot.z;
      lane(h.cot, i) = f.cot_theta;
      lane(h.spot_x, i) = spot.x;
      lane(h.spot_y, i) = spot.y;
    }
    h.inverse_cot = 1.f / h.cot;
    return h;
  }

  /// Layers of the tuple's hits, a bit each.
  HELIX_HD std::uint64_t layers_of(Index t) const {
    std::uint64_t layers = 0;
    for (Index k = tuples.rows.begin(t); k < tuples.rows.end(t); ++k)
      layers |= std::uint64_t{1} << hits.layer[tuples.hit[k]];
    return layers;
  }

  HELIX_HD void count(Index t, float arc) const {
    const float first = hits.r[tuples.hit[tuples.rows.begin(t)]], last = hits.r[tuples.hit[tuples.rows.end(t) - 1]];
    out[t].value[arc < first ? kMissingInner : (arc < last ? kMissingMiddle : kMissingOuter)] += 1.f;
  }

  HELIX_HD void operator()(Index group) const {
    const Index begin = group * kLanes, left = tuples.n() - begin;
    Index tuple[kLanes];
    std::uint64_t layers[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      tuple[i] = begin + (i < left ? i : 0);
      layers[i] = i < left ? layers_of(tuple[i]) : ~std::uint64_t{0};
    }
    Helices h = helices(tuple);
    for (int i = 0; i < kLanes && i < left; ++i) {
      float* value = out[tuple[i]].value;
      value[kMissingInner] = value[kMissingMiddle] = value[kMissingOuter] = 0.f;
    }
    for (std::int32_t l = 0; l < static_cast<std::int32_t>(detector.layers.size()); ++l) {
      const Layer& layer = detector.layers[l];
      Crossings c = cross_layer(h, layer);
      unsigned unseen = set_lanes(c.inside);
      for (int i = 0; i < kLanes; ++i) unseen &= ~((layers[i] >> l & 1u) << i);
      if (unseen == 0) continue;
      Index cell[kLanes];
      find_cells(c, layer, cell);
      visit_lanes(unseen, [&](int i) {
        HelixPoint<Lanes>& p = c.point;
        const HelixPoint<float> at{lane(p.x, i), lane(p.y, i), lane(p.z, i), lane(p.tx, i), lane(p.ty, i)};
        if (active_at(at, lane(h.cot, i), detector, cell[i], margin)) count(tuple[i], lane(c.arc, i));
      });
    }
  }
};

/// log of the hits of each event that are on a layer.
struct Occupancy {
  Offsets segments;
  Index layers;
  Span<float> out;

  HELIX_HD void operator()(Index event) const {
    const Index hits = segments.begin((event + 1) * layers) - segments.begin(event * layers);
    out[event] = std::log(static_cast<float>(hits) + 1.f);
  }
};

struct Describe {
  SortedHits hits;
  Ntuplets tuples;
  TrackHits tracks;
  Span<const TrackFit> fit;
  DetectorView detector;
  Span<const Index> uses, longest;
  Span<const float> occupancy;
  Span<TrackFeatures> out;

  HELIX_HD Index pair_row(Index inner, Index outer) const {
    const std::int32_t a = hits.layer[inner], b = hits.layer[outer];
    for (Index p = detector.pairs_of_layer.begin(a); p < detector.pairs_of_layer.end(a); ++p)
      if (detector.pairs[p].outer == b) return p;
    return static_cast<Index>(detector.pairs.size());
  }

  /// What features are the logarithms of.
  struct Logs {
    Lanes line_chi2, circle_chi2, dxy_pull, dxy, competition;
  };

  HELIX_HD float look_at_hits(Index t, float cot, TrackFeatures& features) const {
    const Index begin = tracks.rows.begin(t), end = tracks.rows.end(t);
    const Index layers = tuples.rows.size(t);
    float sizes = 0, used = 0, in_longer = 0, n_uses = 0;
    for (Index k = begin; k < end; ++k) {
      const Index hit = tracks.hit[k];
      const float low = hits.cot_min[hit], high = hits.cot_max[hit];
      if (high < 100.f) {
        const float away = (2.f * cot - low - high) / (high - low);
        sizes += away * away;
        used += 1.f;
      }
    }
    for (Index k = tuples.rows.begin(t); k < tuples.rows.end(t); ++k) {
      n_uses += static_cast<float>(uses[tuples.hit[k]]);
      in_longer += longest[tuples.hit[k]] > layers ? 1.f : 0.f;
    }
    features.value[kClusterSize] = used > 0 ? std::sqrt(sizes / used) : 0.f;
    features.value[kInLonger] = in_longer;
    features.value[kOverlapHits] = static_cast<float>(end - begin - layers);
    return n_uses / static_cast<float>(layers);
  }

  HELIX_HD void describe(Index t, int i, Logs& logs) const {
    const TrackFit& f = fit[t];
    TrackFeatures& features = out[t];
    const Index begin = tuples.rows.begin(t), end = tuples.rows.end(t);
    const auto n = static_cast<float>(tracks.rows.size(t));
    lane(logs.line_chi2, i) = f.chi2_line / (n - 2.f) + 1e-3f;
    lane(logs.circle_chi2, i) = n > 3.f ? f.chi2_circle / (n - 3.f) + 1e-3f : 1.f;
    lane(logs.dxy_pull, i) = std::fabs(f.dxy) / std::sqrt(larger(f.circle[3], 1e-12f)) + 1e-2f;
    lane(logs.dxy, i) = std::fabs(f.dxy) + 1e-3f;
    features.value[kInversePt] = std::fabs(f.q_over_pt);
    features.value[kSlope] = std::fabs(f.cot_theta);
    features.value[kInnerPair] = static_cast<float>(pair_row(tuples.hit[begin], tuples.hit[begin + 1]));
    features.value[kOuterPair] = static_cast<float>(pair_row(tuples.hit[end - 2], tuples.hit[end - 1]));
    features.value[kOccupancy] = occupancy[hits.event[tuples.hit[begin]]];
    features.value[kVertex] = 0.f;
    lane(logs.competition, i) = look_at_hits(t, features.value[kSlope], features);
  }

  HELIX_HD void operator()(Index group) const {
    const Index begin = group * kLanes, left = tuples.n() - begin;
    const Lanes one = lanes_of(1.f);
    Logs logs{one, one, one, one, one};
    for (int i = 0; i < kLanes && i < left; ++i) describe(begin + i, i, logs);
    logs = {logarithm(logs.line_chi2), logarithm(logs.circle_chi2), logarithm(logs.dxy_pull), logarithm(logs.dxy),
            logarithm(logs.competition)};
    for (int i = 0; i < kLanes && i < left; ++i) {
      float* value = out[begin + i].value;
      value[kLineChi2] = lane(logs.line_chi2, i);
      value[kCircleChi2] = lane(logs.circle_chi2, i);
      value[kDxyPull] = lane(logs.dxy_pull, i);
      value[kDxy] = lane(logs.dxy, i);
      value[kCompetition] = lane(logs.competition, i);
    }
  }
};

}  // namespace

Span<TrackFeatures> describe_tracks(Exec& exec, const HitBatch& batch, const SortedHits& hits, const Ntuplets& tuples,
                                    const TrackHits& tracks, Span<const TrackFit> fit, const DetectorView& detector,
                                    const SelectConfig& config) {
  exec.begin_stage("features");
  auto uses = exec.scratch<Index>(hits.n_hits()), longest = exec.scratch<Index>(hits.n_hits());
  fill(exec, uses, Index{0});
  fill(exec, longest, Index{0});
  for_each(exec, tuples.n(), CountUses{tuples, uses, longest});
  auto occupancy = exec.scratch<float>(batch.n_events());
  for_each(exec, batch.n_events(), Occupancy{hits.segments, static_cast<Index>(detector.layers.size()), occupancy});
  auto out = exec.scratch<TrackFeatures>(tuples.n());
  const Index groups = (tuples.n() + kLanes - 1) / kLanes;
  for_each(exec, groups, Describe{hits, tuples, tracks, fit, detector, uses, longest, occupancy, out});
  for_each(
      exec, groups,
      CountMissing{batch, hits, tuples, fit, detector, config.expected_margin, -kGevPerTeslaMm * detector.field, out});
  return out;
}

}  // namespace helix::patatrack
