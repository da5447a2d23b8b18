// The answer for an event depends on its hits alone: not on the batch, the threads, the run or the order of hits.
#include "test/support/answers.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <random>

namespace helix {
namespace {

using namespace test;

/// Empty events at both ends and in the middle, dense and sparse events, a lone hit.
OwnedBatch mixed_batch() {
  const OwnedBatch dense = sample_events("phase1-ttbar-pu50", 2), sparse = sample_events("phase1-gun", 3);
  OwnedBatch batch;
  batch.append_empty();
  batch.append(dense.view(), 0);
  batch.append(sparse.view(), 0);
  batch.append_empty();
  batch.append_empty();
  batch.append(sparse.view(), 1);
  batch.append(dense.view(), 1);
  batch.append(sparse.view(), 2);
  batch.append_empty();
  return batch;
}

OwnedBatch alone(const OwnedBatch& batch, Index event) {
  OwnedBatch one;
  one.append(batch.view(), event);
  return one;
}

OwnedBatch permuted(const OwnedBatch& one, const std::vector<Index>& from) {
  OwnedBatch out = one;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto k = static_cast<std::size_t>(from[i]);
    out.x[i] = one.x[k], out.y[i] = one.y[k], out.z[i] = one.z[k], out.module[i] = one.module[k];
    out.var_u[i] = one.var_u[k], out.var_v[i] = one.var_v[k];
    out.size_u[i] = one.size_u[k], out.size_v[i] = one.size_v[k];
  }
  return out;
}

void check_same(const EventAnswer& a, const EventAnswer& b) {
  CHECK(a.counters == b.counters);
  CHECK((a.tracks == b.tracks));
  CHECK((a.vertices == b.vertices));
}

TEST_CASE("An event's answer does not depend on its batch") {
  const OwnedBatch batch = mixed_batch();
  const auto together = answers_of(reconstruct(phase1(), batch));
  REQUIRE(together.size() == batch.beam_spot.size());
  std::size_t tracks = 0;
  for (std::size_t e = 0; e < together.size(); ++e) {
    INFO("event " << e);
    check_same(together[e], answer_of(reconstruct(phase1(), alone(batch, static_cast<Index>(e))), 0));
    tracks += together[e].tracks.size();
  }
  CHECK(tracks > 300);  // else all of this is empty
}

TEST_CASE("An event's answer does not depend on the number of threads") {
  const OwnedBatch batch = mixed_batch(), one = alone(batch, 1);
  const auto expected = answers_of(reconstruct(phase1(), batch));
  for (const int threads : {2, 4}) {
    INFO(threads << " threads");
    EngineOptions options;
    options.threads = threads;
    CHECK((answers_of(reconstruct(phase1(), batch, options)) == expected));
    // fewer events than threads: the stages are shared instead of the events
    check_same(answer_of(reconstruct(phase1(), one, options), 0), expected[1]);
  }
}

TEST_CASE("An engine answers the same the second time, with its memory used") {
  const OwnedBatch dense = sample_events("phase1-ttbar-pu50", 1), sparse = sample_events("phase1-gun", 5);
  for (const int threads : {1, 2}) {
    EngineOptions options;
    options.threads = threads;
    const auto engine = make_cpu_engine(phase1(), {}, options);
    const auto first = engine->run(dense.view());
    const auto between = engine->run(sparse.view());
    const auto second = engine->run(dense.view());
    REQUIRE((first.ok() && between.ok() && second.ok()));
    check_same(answer_of(*first, 0), answer_of(*second, 0));
  }
}

TEST_CASE("Permuted hits give the same tracks and vertices") {
  const std::string folder = GENERATE("phase1-ttbar-pu50", "phase1-gun");
  const unsigned seed = GENERATE(1u, 2u);
  CAPTURE(folder, seed);
  const OwnedBatch one = sample_events(folder, 1);
  std::vector<Index> from(one.x.size());
  std::iota(from.begin(), from.end(), 0);
  std::shuffle(from.begin(), from.end(), std::mt19937(seed));

  EventAnswer expected = answer_of(reconstruct(phase1(), one), 0);
  EventAnswer found = answer_of(reconstruct(phase1(), permuted(one, from)), 0);
  for (TrackBits& track : found.tracks)
    for (Index& hit : track.hits) hit = from[static_cast<std::size_t>(hit)];
  std::sort(expected.tracks.begin(), expected.tracks.end());
  std::sort(found.tracks.begin(), found.tracks.end());
  REQUIRE(expected.tracks.size() > 5);
  check_same(found, expected);
}

}  // namespace
}  // namespace helix
