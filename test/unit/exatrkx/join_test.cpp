#include "kernels/exatrkx/join.h"

#include "kernels/core/exec_cpu.h"
#include "test/support/exatrkx_reference.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

namespace helix::exatrkx {
namespace {

/// Hits of helices from the beam line, with the label of the piece that each belongs to.
struct Pieces {
  std::vector<float> x, y, z;
  std::vector<Index> label, offsets{0}, n;
  std::vector<BeamSpot> spots;

  void add(Index piece, float phi, float curvature, float cot, int from, int to) {
    const BeamSpot spot = next_spot();
    for (int layer = from; layer < to; ++layer) {
      const float r = 30.f + 60.f * static_cast<float>(layer), turn = phi + 0.5f * curvature * r;
      const float arc = 2 * std::asin(0.5f * curvature * r) / curvature;
      x.push_back(spot.x + r * std::cos(turn));
      y.push_back(spot.y + r * std::sin(turn));
      z.push_back(spot.z + cot * arc);
      label.push_back(piece);
    }
  }
  BeamSpot next_spot() const { return {1.5f, -0.5f, 10.f}; }
  void end_event(Index n_pieces) {
    spots.push_back(next_spot());
    offsets.push_back(static_cast<Index>(x.size()));
    n.push_back(n_pieces);
  }
  std::vector<Index> joined(JoinCuts cuts, int threads = 1) const {
    Arena arena(host_memory(), std::size_t{1} << 28);
    CpuExec exec(arena, threads);
    HitBatch batch;
    batch.x = x, batch.y = y, batch.z = z, batch.events = {offsets}, batch.beam_spot = spots;
    const Components out = join_tracks(exec, batch, {label, n}, cuts);
    std::vector<Index> labels(out.label.begin(), out.label.end());
    for (const Index count : out.n_components) labels.push_back(count);
    return labels;
  }
};

constexpr JoinCuts kCuts{0.5f, 2.f};

TEST_CASE("join: pieces of one helix become one track, others stay apart") {
  Pieces p;
  p.add(0, 0.3f, 1e-3f, 0.8f, 0, 4);
  p.add(1, 0.5f, -8e-4f, 0.8f, 0, 5);
  p.add(2, 0.3f, 1e-3f, 0.8f, 5, 9);
  p.add(-1, 2.f, 1e-3f, 0.8f, 0, 1);
  p.end_event(3);
  CHECK(p.joined(kCuts) == std::vector<Index>{0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, -1, 2});
}

TEST_CASE("join: several pieces in a row, also across phi = pi, in events of their own") {
  Pieces p;
  p.end_event(0);
  p.add(0, 3.1f, 2e-3f, -1.2f, 6, 9);
  p.add(1, 3.1f, 2e-3f, -1.2f, 0, 3);
  p.add(2, 3.1f, 2e-3f, -1.2f, 3, 6);
  p.end_event(3);
  p.add(0, 3.1f, 2e-3f, -1.2f, 3, 6);
  p.end_event(1);
  CHECK(p.joined(kCuts) == std::vector<Index>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1});
}

TEST_CASE("join: the better of two continuations is taken, and the other stays a track") {
  Pieces p;
  p.add(0, 1.f, 1e-3f, 0.5f, 0, 4);
  p.add(1, 1.f, 1.02e-3f, 0.5f, 4, 8);
  p.add(2, 1.f, 1e-3f, 0.5f, 4, 8);
  p.end_event(3);
  const auto labels = p.joined({5.f, 5.f});
  CHECK(labels == std::vector<Index>{0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 2});
}

TEST_CASE("join: what fits less well than the cuts is not joined") {
  Pieces p;
  p.add(0, 1.f, 1e-3f, 0.5f, 0, 4);
  p.add(1, 1.f, 1e-3f, 0.6f, 4, 8);  // up to 45 mm off in z
  p.end_event(2);
  CHECK(p.joined(kCuts).back() == 2);
  CHECK(p.joined({0.5f, 30.f}).back() == 1);
}

TEST_CASE("join: no tracks, no hits, any number of threads") {
  Pieces none;
  CHECK(none.joined(kCuts).empty());
  none.end_event(0);
  CHECK(none.joined(kCuts) == std::vector<Index>{0});
  Pieces many;
  for (Index k = 0; k < 300; ++k)
    many.add(k, 0.02f * static_cast<float>(k % 150), 1e-3f, 0.01f * static_cast<float>(k % 150 % 7), k < 150 ? 0 : 4,
             k < 150 ? 4 : 8);
  many.end_event(300);
  const auto once = many.joined(kCuts);
  CHECK(once.back() == 150);
  CHECK(many.joined(kCuts, 3) == once);
}

}  // namespace
}  // namespace helix::exatrkx
