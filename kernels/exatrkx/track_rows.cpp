#include "kernels/exatrkx/track_rows.h"

#include "kernels/core/parallel.h"
#include "kernels/exatrkx/event_of.h"
#include "kernels/exatrkx/group.h"

#include <bit>

namespace helix::exatrkx {
namespace {

struct HasLabel {
  Span<const Index> label;
  HELIX_HD bool operator()(Index hit) const { return label[hit] >= 0; }
};

/// By track, then by distance from the beam spot, whose bits rise with it as it is not negative.
struct MakeKey {
  HitBatch batch;
  Span<const Index> label, hit;
  Offsets events;  // tracks
  Span<Index> count;
  Span<std::uint64_t> key;

  HELIX_HD void operator()(Index k) const {
    const Index i = hit[k], event = event_of(batch.events, i), track = events.begin(event) + label[i];
    const BeamSpot spot = batch.beam_spot[event];
    const float x = batch.x[i] - spot.x, y = batch.y[i] - spot.y, z = batch.z[i] - spot.z;
    key[k] = static_cast<std::uint64_t>(track) << 32 | std::bit_cast<std::uint32_t>(x * x + y * y + z * z);
    atomic_add(&count[track], Index{1});
  }
};

struct PlaceHit {
  HitBatch batch;
  Span<const Index> hit;
  HitPlaces at;

  HELIX_HD void operator()(Index k) const {
    const Index i = hit[k];
    const BeamSpot spot = batch.beam_spot[event_of(batch.events, i)];
    at.x[k] = batch.x[i] - spot.x;
    at.y[k] = batch.y[i] - spot.y;
    at.z[k] = batch.z[i] - spot.z;
  }
};

}  // namespace

TrackRows list_hits(Exec& exec, const HitBatch& batch, const Components& components) {
  const Offsets events = exclusive_scan(exec, components.n_components);
  const Index n_tracks = batch.n_events() == 0 ? 0 : exec.sync_read(events.total());
  const Span<Index> hit = select(exec, batch.n_hits(), HasLabel{components.label});
  const auto n = static_cast<Index>(hit.size());
  auto count = exec.scratch<Index>(n_tracks);
  auto key = exec.scratch<std::uint64_t>(n);
  fill(exec, count, Index{0});
  for_each(exec, n, MakeKey{batch, components.label, hit, events, count, key});
  sort_by_key(exec, key, hit, 32 + bits_below(n_tracks));
  return {events, exclusive_scan(exec, count), hit};
}

HitPlaces place_hits(Exec& exec, const HitBatch& batch, Span<const Index> hit) {
  const auto n = static_cast<Index>(hit.size());
  const HitPlaces at{exec.scratch<double>(n), exec.scratch<double>(n), exec.scratch<double>(n)};
  for_each(exec, n, PlaceHit{batch, hit, at});
  return at;
}

}  // namespace helix::exatrkx
