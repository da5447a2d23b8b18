#include "test/twins/doublets.h"

#include "kernels/core/units.h"

#include <cmath>
#include <numbers>

namespace helix::twins {
namespace {

constexpr double kTolerance = 1e-4;
constexpr double kCollinearTolerance = 2e-3;  // differences of products of coordinates: single precision loses more
constexpr double kPhiScale = 0.04;            // rad: azimuths are rounded to 2e-7 of a turn, whatever the window

double wrapped(double phi) { return std::remainder(phi, 2 * std::numbers::pi); }

double coordinate(const Hit& hit, const Layer& layer) { return layer.kind == LayerKind::barrel ? hit.z : hit.r; }

class AllPairs {
 public:
  AllPairs(const std::vector<Hit>& hits, const Detector& detector, const patatrack::DoubletConfig& config)
      : hits_(hits), detector_(detector), config_(config) {
    for (std::size_t i = 0; i < hits.size(); ++i)
      if (hits[i].layer >= 0) of_layer_[{hits[i].event, hits[i].layer}].push_back(static_cast<Index>(i));
  }

  std::map<Pair, Verdict> run() const {
    std::map<Pair, Verdict> found;
    for (const auto& [key, inner_hits] : of_layer_)
      for (const LayerPair& pair : detector_.pairs) {
        const auto outer_hits = of_layer_.find({key.first, pair.outer});
        if (pair.inner != key.second || outer_hits == of_layer_.end()) continue;
        for (const Index inner : inner_hits)
          for (const Index outer : outer_hits->second) {
            const Verdict verdict = cuts(hit(inner), hit(outer), pair);
            if (verdict != Verdict::no) found[{inner, outer}] = verdict;
          }
      }
    return found;
  }

 private:
  const Hit& hit(Index i) const { return hits_[static_cast<std::size_t>(i)]; }

  /// Bending between two radii at the least pt: asin(r / 2R) grows a little faster than r.
  double bending(const LayerPair& pair) const {
    const double min_pt = pair.skips == 0 ? config_.min_pt : config_.min_pt_skipping;
    const double half = 0.5 * kGevPerTeslaMm * detector_.field / min_pt;
    const double sine = half * detector_.layers[static_cast<std::size_t>(pair.outer)].r_max;
    return half * (1 + 0.7 * sine * sine);
  }

  Verdict cuts(const Hit& a, const Hit& b, const LayerPair& pair) const {
    const auto& inner_layer = detector_.layers[static_cast<std::size_t>(pair.inner)];
    const auto& outer_layer = detector_.layers[static_cast<std::size_t>(pair.outer)];
    const auto inside = [](Slack& slack, double value, double low, double high) {
      slack.cut(value - low, std::max(1., std::fabs(low)));
      slack.cut(high - value, std::max(1., std::fabs(high)));
    };
    const double dr = b.r - a.r;
    if (dr < 0.5) return Verdict::no;
    const double cot = (b.z - a.z) / dr, z0 = a.z - a.r * cot;
    const double reach = pair.skips == 0 ? config_.max_z0 : config_.max_z0_skipping;
    if (std::fabs(z0) > 1.01 * reach) return Verdict::no;  // most pairs: saves the azimuths
    const double window = bending(pair) * dr + pair.phi;
    Slack slack;
    slack.cut(dr - 1, 1);
    slack.cut(reach - std::fabs(z0), reach);
    slack.cut(window - std::fabs(wrapped(b.phi - a.phi)), std::max(window, kPhiScale));
    inside(slack, coordinate(a, inner_layer), pair.inner_min, pair.inner_max);
    inside(slack, coordinate(b, outer_layer), pair.outer_min, pair.outer_max);
    inside(slack, std::fabs(cot), std::max(a.cot_min, b.cot_min), std::min(a.cot_max, b.cot_max));
    return slack.verdict(kTolerance);
  }

  const std::vector<Hit>& hits_;
  const Detector& detector_;
  const patatrack::DoubletConfig& config_;
  std::map<std::pair<Index, std::int32_t>, std::vector<Index>> of_layer_;  // rows of (event, layer)
};

}  // namespace

std::vector<Hit> hits_of(const HitBatch& batch, const Detector& detector, bool use_sizes) {
  std::vector<Hit> hits;
  for (Index e = 0; e < batch.n_events(); ++e)
    for (Index i = batch.events.begin(e); i < batch.events.end(e); ++i) {
      const auto k = static_cast<std::size_t>(i);
      const BeamSpot& spot = batch.beam_spot[static_cast<std::size_t>(e)];
      Hit hit{double{batch.x[k]} - spot.x,
              double{batch.y[k]} - spot.y,
              double{batch.z[k]} - spot.z,
              0,
              0,
              0,
              1e9,
              0,
              static_cast<std::int32_t>(batch.module[k]),
              e};
      hit.r = std::hypot(hit.x, hit.y);
      hit.phi = std::atan2(hit.y, hit.x);
      hit.layer = detector.modules[batch.module[k]].layer;
      if (use_sizes && hit.layer >= 0 && !batch.size_v.empty()) {
        const double size = std::min(std::max(1., std::floor(double{batch.size_v[k]})), double{kSizeRows});
        const SizeWindow window =
            detector.size_windows[static_cast<std::size_t>(hit.layer * kSizeRows) + static_cast<std::size_t>(size) - 1];
        hit.cot_min = window.cot_min;
        hit.cot_max = window.cot_max;
      }
      hits.push_back(hit);
    }
  return hits;
}

Fishbone::Fishbone(const std::vector<Hit>& hits, const patatrack::DoubletConfig& config)
    : hits_(hits), config_(config), beside_(hits.size()) {
  std::map<std::pair<Index, std::int32_t>, std::vector<Index>> of_layer;
  for (std::size_t i = 0; i < hits.size(); ++i)
    if (hits[i].layer >= 0) of_layer[{hits[i].event, hits[i].layer}].push_back(static_cast<Index>(i));
  for (const auto& [key, rows] : of_layer)
    for (const Index a : rows)
      for (const Index b : rows)
        if (const Verdict verdict = overlap(hit(a), hit(b)); verdict != Verdict::no)
          beside_[static_cast<std::size_t>(a)].push_back({b, verdict});
}

/// Whether two hits of a layer may be of one particle, on overlapping modules.
Verdict Fishbone::overlap(const Hit& a, const Hit& b) const {
  if (a.module == b.module || std::fabs(b.r - a.r) > 11 || std::fabs(b.z - a.z) > 31) return Verdict::no;
  const double dr = b.r - a.r, dz = b.z - a.z, width = config_.overlap_distance / std::max(a.r, 1.);
  const double reach = config_.max_z0 * std::fabs(dr) + 0.3 * a.r;
  Slack slack;
  slack.cut(width - std::fabs(wrapped(b.phi - a.phi)), std::max(width, kPhiScale));
  slack.cut(reach - std::fabs(dz * a.r - dr * a.z), reach);
  slack.cut(10 - std::fabs(dr), 10);
  slack.cut(30 - std::fabs(dz), 30);
  return slack.verdict(kTolerance);
}

/// Distance of c from the line through a and b, in the two planes.
Verdict Fishbone::in_line(const Hit& a, const Hit& b, const Hit& c) const {
  const double x = b.x - a.x, y = b.y - a.y, r = b.r - a.r, z = b.z - a.z;
  const double xy = std::fabs(x * (c.y - b.y) - y * (c.x - b.x)) / std::hypot(x, y);
  const double rz = std::fabs(r * (c.z - b.z) - z * (c.r - b.r)) / std::hypot(r, z);
  Slack slack;
  slack.cut(config_.overlap_tolerance_xy - xy, config_.overlap_tolerance_xy);
  slack.cut(config_.overlap_tolerance_rz - rz, config_.overlap_tolerance_rz);
  return slack.verdict(kCollinearTolerance);
}

/// Whether a hit nearer to the beam line than `b`, on a module that overlaps, stands in line for it.
Verdict Fishbone::replaced(Index a, Index b) const {
  Verdict any = Verdict::no;
  for (auto [other, verdict] : beside_[static_cast<std::size_t>(b)]) {
    Slack nearer;
    nearer.cut(hit(b).r - hit(other).r, 1);
    verdict = both(both(verdict, nearer.verdict(kTolerance)), in_line(hit(a), hit(b), hit(other)));
    any = either(any, verdict);
  }
  return any;
}

Verdict Fishbone::shadowed(Index inner, Index outer) const {
  return either(replaced(inner, outer), replaced(outer, inner));
}

std::map<Pair, Verdict> all_doublets(const std::vector<Hit>& hits, const Detector& detector,
                                     const patatrack::DoubletConfig& config) {
  return AllPairs(hits, detector, config).run();
}

}  // namespace helix::twins
