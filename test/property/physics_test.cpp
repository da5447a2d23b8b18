// How much of the truth is found on the sample events, by the definitions of `helixctl validate`.
#include "clients/validation/scorer.h"
#include "kernels/event/trackml_csv.h"
#include "test/support/answers.h"

#include <catch2/catch.hpp>

#include <cmath>

namespace helix {
namespace {

using namespace test;

validation::RecoTracks reco_of(const BatchResult& result, Index event, const EventHits& hits) {
  validation::RecoTracks tracks;
  const Tracks& t = result.tracks;
  const auto e = static_cast<std::size_t>(event);
  for (auto k = static_cast<std::size_t>(t.event_offsets[e]); k < static_cast<std::size_t>(t.event_offsets[e + 1]);
       ++k) {
    for (Index h = t.hit_offsets[k]; h < t.hit_offsets[k + 1]; ++h)
      tracks.hit_id.push_back(hits.hit_id[static_cast<std::size_t>(t.hit[static_cast<std::size_t>(h)])]);
    tracks.hit_offsets.push_back(tracks.hit_id.size());
    tracks.columns["pt"].push_back(1 / std::fabs(t.q_over_pt[k]));
    tracks.columns["eta"].push_back(std::asinh(t.cot_theta[k]));
  }
  return tracks;
}

/// Scores all events of a folder of test/data/events.
validation::Totals score(const Detector& detector, const std::string& folder, const validation::Cuts& cuts) {
  const std::string path = HELIX_SOURCE_DIR "/test/data/events/" + folder;
  const BatchResult result = reconstruct(detector, read_batch(path, detector));
  validation::Frame frame;
  frame.field = detector.field;
  validation::Scorer scorer(cuts, frame);
  const auto files = find_events(path);
  REQUIRE(files.ok());
  for (std::size_t e = 0; e < files->size(); ++e) {
    const auto hits = read_hits((*files)[e].hits);
    const auto truth = validation::read_truth((*files)[e].prefix);
    REQUIRE((hits.ok() && truth.ok()));
    scorer.add(*truth, reco_of(result, static_cast<Index>(e), *hits), {});
  }
  return scorer.totals();
}

double part(std::int64_t a, std::int64_t b) { return static_cast<double>(a) / static_cast<double>(b); }

TEST_CASE("phase1: efficiency and fakes on ttbar with 50 pile-up interactions") {
  const auto totals = score(phase1(), "phase1-ttbar-pu50", {});
  REQUIRE(totals.particles > 300);
  CHECK(part(totals.found, totals.particles) >= 0.97);
  CHECK(1 - part(totals.matched, totals.tracks) <= 0.035);
  CHECK(part(totals.duplicates, totals.tracks) <= 0.002);
}

TEST_CASE("phase1: single muons are found, and nothing else") {
  validation::Cuts cuts;
  cuts.min_pt = 0.6;
  cuts.max_eta = 2.4;
  const auto totals = score(phase1(), "phase1-gun", cuts);
  REQUIRE(totals.particles > 30);
  CHECK(part(totals.found, totals.particles) >= 0.95);
  CHECK(totals.matched == totals.tracks);
}

TEST_CASE("generic-pixel: a second detector, with another field and more layers") {
  const auto totals = score(read_detector("test/data/geometry/generic-pixel"), "generic-pixel-ttbar-pu0", {});
  REQUIRE(totals.particles > 20);
  CHECK(part(totals.found, totals.particles) > 0.8);
  CHECK(1 - part(totals.matched, totals.tracks) < 0.2);
}

}  // namespace
}  // namespace helix
