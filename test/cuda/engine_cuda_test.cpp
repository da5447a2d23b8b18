// The CUDA engine against the CPU's answers, and against itself. Part of helix_unit_cuda, so it needs a device.
#include "kernels/engine.h"
#include "test/support/owned_batch.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace helix {
namespace {

using test::OwnedBatch;
using test::read_batch;

struct Sample {
  const char *geometry, *events;
};
const Sample kSamples[] = {
    {HELIX_SOURCE_DIR "/config/geometry/phase1", HELIX_SOURCE_DIR "/test/data/events/phase1-ttbar-pu50"},
    {HELIX_SOURCE_DIR "/config/geometry/phase1", HELIX_SOURCE_DIR "/test/data/events/phase1-gun"},
    {HELIX_SOURCE_DIR "/test/data/geometry/generic-pixel",
     HELIX_SOURCE_DIR "/test/data/events/generic-pixel-ttbar-pu0"},
};
const Sample& kPhase1 = kSamples[0];

Detector detector_of(const Sample& sample) {
  Result<Detector> detector = load_detector(sample.geometry);
  if (!detector.ok()) throw std::runtime_error(detector.status().message());
  return std::move(detector).value();
}

std::unique_ptr<Engine> cuda_engine(const Detector& detector, const EngineOptions& options = {}) {
  auto engine = make_cuda_engine(detector, patatrack::Config{}, options);
  if (!engine.ok()) throw std::runtime_error(engine.status().message());
  return std::move(engine).value();
}

BatchResult run(Engine& engine, const OwnedBatch& batch) {
  auto result = engine.run(batch.view());
  if (!result.ok()) throw std::runtime_error(result.status().message());
  return std::move(result).value();
}

/// Track rows of an event by their hits.
std::map<std::vector<Index>, Index> by_hits(const Tracks& tracks, Index event) {
  std::map<std::vector<Index>, Index> rows;
  for (Index t = tracks.event_offsets[event]; t < tracks.event_offsets[event + 1]; ++t)
    rows[{tracks.hit.begin() + tracks.hit_offsets[t], tracks.hit.begin() + tracks.hit_offsets[t + 1]}] = t;
  return rows;
}

/// Parameters agree within a small part of their errors.
bool same_parameters(const Tracks& a, Index i, const Tracks& b, Index j) {
  const auto near = [&](float x, float y, int parameter) {
    return std::fabs(x - y) <= 0.01f * std::sqrt(a.covariance[i][covariance_row(parameter, parameter)]) + 1e-6f;
  };
  return near(a.phi[i], b.phi[j], 0) && near(a.dxy[i], b.dxy[j], 1) && near(a.q_over_pt[i], b.q_over_pt[j], 2) &&
         near(a.cot_theta[i], b.cot_theta[j], 3) && near(a.dz[i], b.dz[j], 4);
}

void check_identical(const Tracks& a, const Tracks& b) {
  CHECK(a.event_offsets == b.event_offsets);
  CHECK(a.hit_offsets == b.hit_offsets);
  CHECK(a.hit == b.hit);
  CHECK(a.phi == b.phi);
  CHECK(a.dxy == b.dxy);
  CHECK(a.q_over_pt == b.q_over_pt);
  CHECK(a.cot_theta == b.cot_theta);
  CHECK(a.dz == b.dz);
  CHECK(a.covariance == b.covariance);
  CHECK(a.chi2 == b.chi2);
  CHECK(a.score == b.score);
  CHECK(a.quality == b.quality);
  CHECK(a.vertex == b.vertex);
}

TEST_CASE("CUDA finds the CPU's tracks and vertices") {
  const Sample sample = GENERATE(from_range(std::begin(kSamples), std::end(kSamples)));
  CAPTURE(sample.events);
  const Detector detector = detector_of(sample);
  const OwnedBatch batch = read_batch(sample.events, detector);
  const BatchResult cpu = run(*make_cpu_engine(detector, {}, {}), batch);
  const BatchResult cuda = run(*cuda_engine(detector), batch);
  REQUIRE(cpu.tracks.n_tracks() > 0);

  Index same = 0, near = 0;
  for (Index e = 0; e + 1 < static_cast<Index>(cpu.tracks.event_offsets.size()); ++e) {
    const auto expected = by_hits(cpu.tracks, e), found = by_hits(cuda.tracks, e);
    for (const auto& [hits, row] : expected)
      if (const auto at = found.find(hits); at != found.end()) {
        ++same;
        near += same_parameters(cpu.tracks, row, cuda.tracks, at->second);
      }
  }
  // borderline cuts may fall to the other side where the two libraries' log and sqrt round differently:
  // docs/architecture
  const Index most = std::max(cpu.tracks.n_tracks(), cuda.tracks.n_tracks());
  INFO(same << " of " << most << " tracks have the same hits, " << near << " of them the same parameters");
  CHECK(same >= most - most / 1000);
  CHECK(near == same);
  CHECK(std::abs(cpu.vertices.n_vertices() - cuda.vertices.n_vertices()) <= cpu.vertices.n_vertices() / 100);
}

TEST_CASE("CUDA gives the same bits again, alone and in any batch") {
  const Detector detector = detector_of(kPhase1);
  const OwnedBatch batch = read_batch(kPhase1.events, detector);
  const auto engine = cuda_engine(detector);
  const BatchResult whole = run(*engine, batch);
  check_identical(whole.tracks, run(*engine, batch).tracks);

  OwnedBatch middle;  // the second event, between empty ones and after the third
  middle.append_empty();
  middle.append(batch.view(), 2);
  middle.append_empty();
  middle.append(batch.view(), 1);
  middle.append_empty();
  OwnedBatch alone;
  alone.append(batch.view(), 1);
  const BatchResult one = run(*engine, alone), mixed = run(*engine, middle);
  const Index first = mixed.tracks.event_offsets[3], n = mixed.tracks.event_offsets[4] - first;
  REQUIRE(n == one.tracks.n_tracks());
  CHECK(mixed.tracks.event_offsets[5] == mixed.tracks.event_offsets[4]);
  CHECK(std::equal(one.tracks.phi.begin(), one.tracks.phi.end(), mixed.tracks.phi.begin() + first));
  CHECK(std::equal(one.tracks.score.begin(), one.tracks.score.end(), mixed.tracks.score.begin() + first));
  CHECK(std::equal(one.tracks.vertex.begin(), one.tracks.vertex.end(), mixed.tracks.vertex.begin() + first));
}

TEST_CASE("CUDA takes empty batches and empty events") {
  const Detector detector = detector_of(kPhase1);
  const auto engine = cuda_engine(detector);
  OwnedBatch batch;
  CHECK(run(*engine, batch).tracks.n_tracks() == 0);
  batch.append_empty();
  batch.append_empty();
  const BatchResult result = run(*engine, batch);
  CHECK(result.tracks.event_offsets == std::vector<Index>{0, 0, 0});
  CHECK(result.vertices.event_offsets == std::vector<Index>{0, 0, 0});
  REQUIRE(result.counters.size() == 2);
  CHECK(result.counters[1].hits == 0);
}

TEST_CASE("CUDA refuses a batch beyond its memory budget and goes on") {
  const Detector detector = detector_of(kPhase1);
  const OwnedBatch batch = read_batch(kPhase1.events, detector);
  EngineOptions options;
  options.memory_budget = std::size_t{24} << 20;
  const auto engine = cuda_engine(detector, options);
  const auto refused = engine->run(batch.view());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().code() == Code::resource_exhausted);
  CHECK_THAT(refused.status().message(), Catch::StartsWith("stage ") && Catch::Contains("memory budget"));
  OwnedBatch small;
  small.append_empty();
  CHECK(engine->run(small.view()).ok());
}

TEST_CASE("CUDA says which stage took how long") {
  const Detector detector = detector_of(kPhase1);
  const BatchResult result = run(*cuda_engine(detector), read_batch(kPhase1.events, detector, 1));
  REQUIRE_FALSE(result.stages.empty());
  CHECK(result.stages.front().stage == "prepare");
  std::chrono::nanoseconds sum{};
  for (const StageTime& stage : result.stages) sum += stage.time;
  CHECK(sum.count() > 0);
  CHECK(sum <= result.compute);
}

TEST_CASE("a CUDA device that is not there is unavailable") {
  EngineOptions options;
  options.device = 1000;
  const auto engine = make_cuda_engine(detector_of(kPhase1), {}, options);
  REQUIRE_FALSE(engine.ok());
  CHECK(engine.status().code() == Code::unavailable);
  CHECK_THAT(engine.status().message(), Catch::StartsWith("no CUDA device 1000"));
}

}  // namespace
}  // namespace helix
