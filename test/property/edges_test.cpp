// Inputs at the edges: nothing, one hit, one module, more than fits, another place, less than everything.
#include "test/support/answers.h"
#include "test/support/sanitizers.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

namespace helix {
namespace {

using namespace test;

void add_hit(OwnedBatch& batch, std::uint32_t row, float u, float v) {
  const Module& m = phase1().modules[row];
  batch.x.push_back(m.center[0] + u * m.u[0] + v * m.v[0]);
  batch.y.push_back(m.center[1] + u * m.u[1] + v * m.v[1]);
  batch.z.push_back(m.center[2] + u * m.u[2] + v * m.v[2]);
  batch.module.push_back(row);
}

/// Hits spread over the active areas of the modules first .. last - 1.
OwnedBatch random_hits(int n, std::uint32_t first, std::uint32_t last, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1.f, 1.f);
  OwnedBatch batch;
  for (int i = 0; i < n; ++i) {
    const std::uint32_t row = first + static_cast<std::uint32_t>(random() % (last - first));
    const float u = uniform(random), v = uniform(random);
    add_hit(batch, row, u * phase1().modules[row].half_u, v * phase1().modules[row].half_v);
  }
  batch.append_empty();
  return batch;
}

std::uint32_t n_modules() { return static_cast<std::uint32_t>(phase1().modules.size()); }

std::set<std::vector<Index>> hit_lists(const BatchResult& result, Index event) {
  std::set<std::vector<Index>> lists;
  for (const TrackBits& track : answer_of(result, event).tracks) lists.insert(track.hits);
  return lists;
}

double common_part(const std::set<std::vector<Index>>& a, const std::set<std::vector<Index>>& b) {
  std::vector<std::vector<Index>> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(std::max(a.size(), b.size()));
}

/// The message of the named error: stage, bytes needed and budget.
void check_refused(const Result<BatchResult>& result, std::size_t budget) {
  REQUIRE_FALSE(result.ok());
  CHECK(result.status().code() == Code::resource_exhausted);
  CHECK_THAT(result.status().message(),
             Catch::Matches("stage [a-z]+ needs [0-9]+ bytes, the memory budget is " + std::to_string(budget)));
}

TEST_CASE("A batch of no events, and one of empty events") {
  for (const int threads : {1, 2}) {
    EngineOptions options;
    options.threads = threads;
    OwnedBatch batch;
    CHECK(answers_of(reconstruct(phase1(), batch, options)).empty());
    for (int e = 0; e < 3; ++e) batch.append_empty();
    const BatchResult result = reconstruct(phase1(), batch, options);
    CHECK(result.tracks.event_offsets == std::vector<Index>{0, 0, 0, 0});
    CHECK(result.tracks.hit_offsets == std::vector<Index>{0});
    CHECK(result.vertices.event_offsets == std::vector<Index>{0, 0, 0, 0});
    for (const EventAnswer& answer : answers_of(result)) CHECK(answer == EventAnswer{});
  }
}

TEST_CASE("One hit") {
  const EventAnswer answer = answer_of(reconstruct(phase1(), random_hits(1, 0, n_modules(), 3)), 0);
  CHECK(answer.counters == std::array<Index, 6>{1, 0, 0, 0, 0, 0});
}

TEST_CASE("All hits in one module") {
  const std::uint32_t module = GENERATE(0u, 700u, 1800u);
  const EventAnswer answer = answer_of(reconstruct(phase1(), random_hits(3000, module, module + 1, 4)), 0);
  CHECK(answer.counters == std::array<Index, 6>{3000, 0, 0, 0, 0, 0});
}

TEST_CASE("Hits that are there four times give finite tracks") {
  const OwnedBatch once = sample_events("phase1-gun", 1);
  OwnedBatch batch;
  for (int copy = 0; copy < 4; ++copy) batch.append(once.view(), 0);
  batch.events = {0, static_cast<Index>(batch.x.size())};
  batch.beam_spot.resize(1);
  const EventAnswer answer = answer_of(reconstruct(phase1(), batch), 0);
  CHECK(answer.tracks.size() >= answer_of(reconstruct(phase1(), once), 0).tracks.size());
  for (const TrackBits& track : answer.tracks)
    CHECK(std::all_of(track.values.begin(), track.values.end(),
                      [](std::uint32_t value) { return std::isfinite(std::bit_cast<float>(value)); }));
}

TEST_CASE("An event that does not fit its budget is refused by name, and the engine goes on") {
  const OwnedBatch dense = sample_events("phase1-ttbar-pu50", 1), sparse = sample_events("phase1-gun", 1);
  for (const std::size_t budget : {std::size_t{1} << 10, std::size_t{1} << 20, std::size_t{2} << 20}) {
    EngineOptions options;
    options.memory_budget = budget;
    const auto engine = make_cpu_engine(phase1(), {}, options);
    check_refused(engine->run(dense.view()), budget);
    if (budget < std::size_t{2} << 20) continue;
    const auto after = engine->run(sparse.view());
    REQUIRE(after.ok());
    CHECK(answer_of(*after, 0) == answer_of(reconstruct(phase1(), sparse), 0));
  }
}

TEST_CASE("A million hits are reconstructed within the budget or refused by name") {
  const OwnedBatch batch = random_hits(kThreadSanitizer ? 100'000 : 1'000'000, 0, n_modules(), 5);
  const int threads = GENERATE(1, 2);
  EngineOptions options;
  options.threads = threads;
  options.memory_budget = std::size_t{256} << 20;
  const auto result = make_cpu_engine(phase1(), {}, options)->run(batch.view());
  if (!result.ok()) check_refused(result, options.memory_budget);
}

TEST_CASE("An event around another beam spot gives the same tracks") {
  const BeamSpot spot{1.3f, -0.5f, 5.f};
  const OwnedBatch batch = sample_events("phase1-ttbar-pu50", 1);
  OwnedBatch moved = batch;
  for (std::size_t i = 0; i < batch.x.size(); ++i) moved.x[i] += spot.x, moved.y[i] += spot.y, moved.z[i] += spot.z;
  OwnedBatch untold = moved;
  moved.beam_spot[0] = spot;

  const BatchResult here = reconstruct(phase1(), batch), there = reconstruct(phase1(), moved);
  const auto expected = hit_lists(here, 0);
  REQUIRE(expected.size() > 200);
  // not all: the layers' places are not moved along, which counts where expected hits are missing
  CHECK(common_part(hit_lists(there, 0), expected) > 0.95);
  CHECK(common_part(hit_lists(reconstruct(phase1(), untold), 0), expected) < 0.9);

  REQUIRE(there.vertices.n_vertices() > 10);
  CHECK(there.vertices.x[0] == spot.x);
  CHECK(there.vertices.y[0] == spot.y);
  CHECK(there.vertices.z[0] == Approx(here.vertices.z[0] + spot.z).margin(0.05));
}

TEST_CASE("Bare hits, without errors and cluster sizes, give nearly the same tracks") {
  const OwnedBatch batch = sample_events("phase1-ttbar-pu50", 1);
  OwnedBatch bare = batch;
  bare.var_u.clear(), bare.var_v.clear(), bare.size_u.clear(), bare.size_v.clear();
  const BatchResult full = reconstruct(phase1(), batch), result = reconstruct(phase1(), bare);
  CHECK(common_part(hit_lists(result, 0), hit_lists(full, 0)) > 0.85);
  CHECK(result.counters[0].doublets > full.counters[0].doublets);  // sizes did cut
}

}  // namespace
}  // namespace helix
