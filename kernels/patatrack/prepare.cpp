#include "kernels/patatrack/prepare.h"

#include "kernels/core/parallel.h"
#include "kernels/patatrack/slope.h"

#include <cmath>

namespace helix::patatrack {
namespace {

constexpr int kPositionBits = 20;            // of phi and of the coordinate in the sort key
constexpr float kCoordinateOffset = 4096.f;  // mm: what z and r are shifted by to be positive
constexpr float kCoordinateScale = 128.f;    // 1/mm: 8 um

HELIX_HD Index row_of(Offsets offsets, Index element) {
  Index low = 0, high = offsets.rows();
  while (high - low > 1) {
    const Index middle = (low + high) / 2;
    if (offsets.begin(middle) <= element)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/// The key of each hit but for its phi: segment and coordinate.
struct MakeKeys {
  HitBatch hits;
  DetectorView detector;
  Span<std::uint64_t> key;
  Span<float> x, y;  // [hits] of the batch, from the beam spot

  HELIX_HD void operator()(Index i) const {
    const Index event = row_of(hits.events, i);
    const BeamSpot spot = hits.beam_spot[event];
    x[i] = hits.x[i] - spot.x;
    y[i] = hits.y[i] - spot.y;
    const std::int32_t layer = detector.modules[hits.module[i]].layer;
    const auto n_layers = static_cast<Index>(detector.layers.size());
    const bool used = layer >= 0;
    const Index segment = used ? event * n_layers + layer : hits.n_events() * n_layers;
    const bool barrel = used && detector.layers[layer].kind == LayerKind::barrel;
    const float coordinate = barrel ? hits.z[i] : std::sqrt(x[i] * x[i] + y[i] * y[i]);
    const float shifted = (coordinate + kCoordinateOffset) * kCoordinateScale;
    const float limit = static_cast<float>((1 << kPositionBits) - 1);
    const auto position = static_cast<std::uint32_t>(shifted < 0 ? 0.f : (shifted > limit ? limit : shifted));
    key[i] = (static_cast<std::uint64_t>(segment) << (2 * kPositionBits)) | position;
  }
};

/// Apart, so that it vectorises.
struct AddPhi {
  Span<const float> x, y;
  Span<std::uint64_t> key;
  Span<Index> original;
  Span<Turn> turn;  // [hits] of the batch

  HELIX_HD void operator()(Index i) const {
    turn[i] = turn_of(x[i], y[i]);
    const std::uint32_t phi = (static_cast<std::uint32_t>(turn[i]) ^ 0x80000000u) >> (32 - kPositionBits);
    key[i] |= static_cast<std::uint64_t>(phi) << kPositionBits;
    original[i] = i;
  }
};

struct MakeSegments {
  Span<const std::uint64_t> key;
  Index n_segments;
  Span<Index> first;  // [segments + 1]
  HELIX_HD void operator()(Index i) const {
    const auto segment = [&](Index k) { return static_cast<Index>(key[k] >> (2 * kPositionBits)); };
    const Index before = i == 0 ? -1 : segment(i - 1);
    const auto n = static_cast<Index>(key.size());
    const Index mine = segment(i);
    for (Index s = before + 1; s <= mine && s <= n_segments; ++s) first[s] = i;
    if (i == n - 1)
      for (Index s = mine + 1; s <= n_segments; ++s) first[s] = n;
  }
};

struct MakeSorted {
  HitBatch hits;
  DetectorView detector;
  bool use_sizes;
  Span<const std::uint64_t> key;
  Span<const Index> original;
  Span<const Turn> turn;
  Span<float> x, y, z, r, cot_min, cot_max, scattering;
  Span<Turn> phi;
  Span<Index> event;
  Span<std::int32_t> layer, module;

  HELIX_HD void operator()(Index i) const {
    const Index from = original[i];
    const auto n_layers = static_cast<Index>(detector.layers.size());
    const auto segment = static_cast<Index>(key[i] >> (2 * kPositionBits));
    const Index e = segment / n_layers, l = segment % n_layers;
    const BeamSpot spot = hits.beam_spot[e];
    x[i] = hits.x[from] - spot.x;
    y[i] = hits.y[from] - spot.y;
    z[i] = hits.z[from] - spot.z;
    r[i] = std::sqrt(x[i] * x[i] + y[i] * y[i]);
    phi[i] = turn[from];
    event[i] = e;
    layer[i] = l;
    module[i] = static_cast<std::int32_t>(hits.module[from]);
    SizeWindow window{0.f, 1e9f};
    if (use_sizes) {
      const float size = hits.size_v[from];
      const Index row = static_cast<Index>(size < 1 ? 1.f : (size > kSizeRows ? float{kSizeRows} : size)) - 1;
      window = detector.size_windows[detector.layers[l].size_first + row];
    }
    cot_min[i] = window.cot_min;
    cot_max[i] = window.cot_max;
    scattering[i] = scattering_of(detector.layers[l]);
  }
};

struct CountBins {
  Span<const Index> event;
  Span<const std::int32_t> layer;
  Span<const Turn> phi;
  Index n_layers;
  Span<Index> count;  // [segments * kPhiBins]

  HELIX_HD void operator()(Index i) const {
    atomic_add(&count[(event[i] * n_layers + layer[i]) * kPhiBins + phi_bin(phi[i])], Index{1});
  }
};

int bits_of(std::uint64_t n) {
  int bits = 0;
  for (; n != 0; n >>= 1) ++bits;
  return bits;
}

}  // namespace

SortedHits prepare_hits(Exec& exec, const HitBatch& hits, const DetectorView& detector, bool use_cluster_sizes) {
  exec.begin_stage("prepare");
  const Index n = hits.n_hits();
  const auto n_layers = static_cast<Index>(detector.layers.size());
  const Index n_segments = hits.n_events() * n_layers;
  auto key = exec.scratch<std::uint64_t>(n);
  auto original = exec.scratch<Index>(n);
  auto turn = exec.scratch<Turn>(n);
  auto x = exec.scratch<float>(n), y = exec.scratch<float>(n);
  for_each(exec, n, MakeKeys{hits, detector, key, x, y});
  for_each(exec, n, AddPhi{x, y, key, original, turn});
  sort_by_key(exec, key, original, 2 * kPositionBits + bits_of(static_cast<std::uint64_t>(n_segments)));

  auto segments = exec.scratch<Index>(n_segments + 1);
  if (n == 0) fill(exec, segments, Index{0});
  for_each(exec, n, MakeSegments{key, n_segments, segments});
  const Index n_used = exec.sync_read(segments.end() - 1);

  MakeSorted sorted{hits,
                    detector,
                    use_cluster_sizes && !hits.size_v.empty(),
                    key,
                    original,
                    turn,
                    exec.scratch<float>(n_used),
                    exec.scratch<float>(n_used),
                    exec.scratch<float>(n_used),
                    exec.scratch<float>(n_used),
                    exec.scratch<float>(n_used),
                    exec.scratch<float>(n_used),
                    exec.scratch<float>(n_used),
                    exec.scratch<Turn>(n_used),
                    exec.scratch<Index>(n_used),
                    exec.scratch<std::int32_t>(n_used),
                    exec.scratch<std::int32_t>(n_used)};
  for_each(exec, n_used, sorted);

  auto bin_sizes = exec.scratch<Index>(n_segments * kPhiBins);
  fill(exec, bin_sizes, Index{0});
  for_each(exec, n_used, CountBins{sorted.event, sorted.layer, sorted.phi, n_layers, bin_sizes});
  const Offsets bins = exclusive_scan(exec, bin_sizes);

  return {sorted.x,
          sorted.y,
          sorted.z,
          sorted.r,
          sorted.phi,
          sorted.cot_min,
          sorted.cot_max,
          sorted.scattering,
          original.subspan(0, n_used),
          sorted.event,
          sorted.layer,
          sorted.module,
          {segments},
          bins.at};
}

}  // namespace helix::patatrack
