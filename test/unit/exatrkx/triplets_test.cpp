// Pairs of edges and their fits, and the shipped models, whose graph networks are built on them.
#include "kernels/exatrkx/triplets.h"

#include "kernels/core/parallel.h"
#include "kernels/event/trackml_csv.h"
#include "kernels/exatrkx/group.h"
#include "kernels/exatrkx/pipeline.h"
#include "kernels/exatrkx/triplet_geometry.h"
#include "test/support/test_device.h"

#include <catch2/catch.hpp>

#include <cmath>

namespace helix::exatrkx {
namespace {

/// Edges of three hits on a circle of this radius (mm) through the beam line, at `lengths` along it, and on a line in
/// z.
LaneFit fit_on_helix(double radius, const double (&lengths)[3], double slope) {
  LaneScaledHit hit[3];
  for (int k = 0; k < 3; ++k) {
    const double turn = lengths[k] / radius, x = radius * std::sin(turn), y = radius * (1 - std::cos(turn)),
                 r = std::hypot(x, y);
    const auto lanes = [](double value) { return lanes_of(static_cast<float>(value)); };
    hit[k] = {lanes(r / 1000), lanes(x / r), lanes(y / r), lanes(lengths[k] * slope / 1000)};
  }
  return fit_triplet(measure_edge(hit[0], hit[1], 1000.f, 1000.f), measure_edge(hit[1], hit[2], 1000.f, 1000.f));
}

TEST_CASE("triplets: three hits on a helix through the beam line") {
  const double radius = GENERATE(300., -1000., 10000.);
  const LaneFit fit = fit_on_helix(radius, {40, 90, 150}, 0.7);
  CHECK(fit.curvature[2] == Approx(1 / radius).epsilon(1e-3));
  CHECK(std::fabs(fit.dxy[0]) < 1e-2f);
  CHECK(std::fabs(fit.bend[1]) < 1e-3f);  // chords are shorter than arcs
  CHECK(std::fabs(fit.off[7]) < 0.1f);
  CHECK(margin_of(fit)[3] > 0.f);
}

TEST_CASE("triplets: pairs stand by their hit, in order, and OutOfArena says when there are too many") {
  // a straight line of hits: each edge goes on with each that begins where it ends
  constexpr Index kHits = 40;
  std::vector<float> x;
  std::vector<Index> source, target;
  for (Index i = 0; i < kHits; ++i) {
    x.insert(x.end(), {0.02f * static_cast<float>(i + 1), 1.f, 0.f, 0.01f * static_cast<float>(i)});
    for (Index k = i + 1; k < kHits; ++k) source.push_back(i), target.push_back(k);
  }
  const float scales[4] = {1000.f, 1.f, 1.f, 1000.f};
  const auto run = [&](CpuExec& exec) {
    const Ragged leaving = group_by(exec, source, kHits);
    return find_triplets(exec, {x, 4, 4}, scales, {source, target}, leaving.rows);
  };
  test::TestDevice device(3);
  const Triplets found = run(device.exec());
  REQUIRE(found.after.size() == kHits * (kHits - 1) * (kHits - 2) / 6);
  for (Index hit = 0; hit < kHits; ++hit)
    for (Index k = found.first_of(hit); k < found.first_of(hit + 1); ++k) {
      const auto p = static_cast<std::size_t>(found.before[k]), q = static_cast<std::size_t>(found.after[k]);
      CHECK((target[p] == hit && source[q] == hit));
      CHECK(std::fabs(found.features.row(k)[2]) < 1e-3f);
    }
  test::TestDevice small(1, 100'000);
  CHECK_THROWS_AS(run(small.exec()), OutOfArena);
}

/// Ours, with LibTorch's graph network beside.
class Compared final : public Networks {
 public:
  explicit Compared(const Model& model)
      : ours_(*load_networks(model)), torch_(*load_networks(model, {Precision::fp32, false})) {}

  Status embed(CpuExec& exec, Span<const float> features, Span<float> out) const override {
    return ours_->embed(exec, features, out);
  }
  Status filter(CpuExec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const override {
    return ours_->filter(exec, features, edges, out);
  }
  Status classify(CpuExec& exec, Span<const float> features, const EdgeList& edges, Span<float> out) const override {
    std::vector<float> expected(out.size());
    if (Status status = torch_->classify(exec, features, edges, expected); !status.ok()) return status;
    if (Status status = ours_->classify(exec, features, edges, out); !status.ok()) return status;
    for (std::size_t k = 0; k < out.size(); ++k)
      difference = std::max(difference, double{std::fabs(out[k] - expected[k])});
    n_edges = out.size();
    return {};
  }
  Index filter_chunk() const override { return ours_->filter_chunk(); }
  NetworkCost embed_cost() const override { return ours_->embed_cost(); }
  NetworkCost filter_cost() const override { return ours_->filter_cost(); }
  NetworkCost gnn_cost() const override { return ours_->gnn_cost(); }

  mutable double difference = 0;
  mutable std::size_t n_edges = 0;

 private:
  std::shared_ptr<const Networks> ours_, torch_;
};

TEST_CASE("triplets: the shipped models answer as with LibTorch on events of theirs") {
  if (!has_networks()) {
    WARN("built without LibTorch: not tested");
    return;
  }
  const auto [name, event] = GENERATE(table<std::string, std::string>(
      {{"phase1", "phase1-zmumu-pu35"}, {"phase1", "phase1-gun"}, {"generic", "generic-ttbar-pu0"}}));
  CAPTURE(name, event);
  const std::string root = HELIX_SOURCE_DIR;
  const Result<Model> model = load_model(root + "/config/models/" + name);
  REQUIRE(model.status().message() == "");
  const Result<EventHits> hits = read_hits(root + "/test/data/events/" + event + "/event000000000-hits.csv.gz");
  REQUIRE(hits.status().message() == "");
  const std::vector<Index> offsets{0, static_cast<Index>(hits->size())};
  const std::vector<BeamSpot> spot(1);
  HitBatch batch;
  batch.x = hits->x, batch.y = hits->y, batch.z = hits->z;
  batch.events = {offsets};
  batch.beam_spot = spot;
  const Compared networks(*model);
  CHECK(networks.gnn_cost().per_edge == 0);  // ours indeed
  test::TestDevice device;
  REQUIRE(run_pipeline(device.exec(), batch, *model, networks).status().message() == "");
  CHECK(networks.n_edges > 0);
  CAPTURE(networks.n_edges);
  // fits of hits far out are differences of large numbers, each side's rounding its own
  CHECK(networks.difference < 2e-3);
}

}  // namespace
}  // namespace helix::exatrkx
