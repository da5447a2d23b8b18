// The search for n-tuplets, stage by stage, against twins. One text for both backends.
#include "kernels/core/parallel.h"
#include "kernels/patatrack/connect.h"
#include "kernels/patatrack/doublets.h"
#include "kernels/patatrack/ntuplets.h"
#include "kernels/patatrack/overlaps.h"
#include "test/support/answers.h"
#include "test/support/upload.h"
#include "test/twins/connections.h"
#include "test/twins/doublets.h"
#include "test/twins/ntuplets.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace helix::patatrack {
namespace {

using namespace test;
using twins::Pair;
using twins::Triplet;
using twins::Verdict;

/// What the stages found, by rows of the batch.
struct Found {
  std::vector<Index> original;
  std::vector<Pair> doublets;
  std::vector<twins::Edge> edges;
  std::vector<Triplet> triplets;
  std::vector<std::vector<Index>> paths;
};

Found search(const OwnedBatch& batch, const Detector& detector, const Config& config) {
  TestDevice device(2);
  const DetectorView view = upload(device, detector);
  const HitBatch hits = upload(device, batch);
  const SortedHits sorted = prepare_hits(device.exec(), hits, view, config.doublets.cluster_sizes);
  const Overlaps overlaps = find_overlaps(device.exec(), sorted, view, config.doublets);
  const Doublets doublets = find_doublets(device.exec(), sorted, view, config);
  const Connections connections = connect_doublets(device.exec(), sorted, overlaps, doublets, view, config);
  const Ntuplets tuples = find_ntuplets(device.exec(), doublets, connections, config.ntuplets);

  Found found;
  found.original = device.download(sorted.original);
  const auto hit = [&](Index i) { return found.original[static_cast<std::size_t>(i)]; };
  const auto inner = device.download(doublets.inner), outer = device.download(doublets.outer);
  for (std::size_t d = 0; d < inner.size(); ++d) found.doublets.push_back({hit(inner[d]), hit(outer[d])});
  const auto from = device.download(connections.inner), to = device.download(connections.outer);
  const auto curvature = device.download(connections.curvature);
  const auto alone = device.download(connections.alone);
  for (std::size_t c = 0; c < from.size(); ++c) {
    const Pair &a = found.doublets[static_cast<std::size_t>(from[c])],
               &b = found.doublets[static_cast<std::size_t>(to[c])];
    found.triplets.push_back({a.first, a.second, b.second});
    found.edges.push_back({from[c], to[c], {a.first, a.second, b.second}, curvature[c], alone[c] != 0});
  }
  const auto rows = device.download(tuples.rows), tuple_hits = device.download(tuples.hit);
  for (std::size_t t = 0; t + 1 < rows.size(); ++t) {
    found.paths.emplace_back();
    for (Index k = rows[t]; k < rows[t + 1]; ++k)
      found.paths.back().push_back(hit(tuple_hits[static_cast<std::size_t>(k)]));
  }
  return found;
}

/// All that is sure was found, all that was found is sure or borderline, and little is borderline.
template <class Row>
void check_same(std::vector<Row> found, const std::map<Row, Verdict>& expected) {
  std::sort(found.begin(), found.end());
  CHECK(std::adjacent_find(found.begin(), found.end()) == found.end());
  std::size_t sure = 0, missing = 0, wrong = 0;
  for (const auto& [row, verdict] : expected)
    if (verdict == Verdict::yes) ++sure, missing += !std::binary_search(found.begin(), found.end(), row);
  for (const Row& row : found) wrong += expected.count(row) == 0;
  CHECK(missing == 0);
  CHECK(wrong == 0);
  CHECK(static_cast<double>(expected.size() - sure) < 0.01 * static_cast<double>(sure) + 5);
}

/// Less the doublets from an innermost layer that were not found: only those that go on need be.
std::map<Pair, Verdict> without_innermost_not_found(std::map<Pair, Verdict> all, std::vector<Pair> found,
                                                   const std::vector<twins::Hit>& hits, const Detector& detector) {
  std::sort(found.begin(), found.end());
  const auto layer = [&](Index i) { return hits[static_cast<std::size_t>(i)].layer; };
  std::erase_if(all, [&](const auto& row) {
    const Pair& hit = row.first;
    const auto innermost = std::any_of(detector.pairs.begin(), detector.pairs.end(), [&](const LayerPair& pair) {
      return pair.inner == layer(hit.first) && pair.outer == layer(hit.second) && pair.innermost;
    });
    return innermost && !std::binary_search(found.begin(), found.end(), hit);
  });
  return all;
}

struct Sample {
  std::string geometry, events;
  std::size_t n, least;  // events; doublets there are at least
};
const Sample kSamples[] = {{"config/geometry/phase1", "phase1-gun", 5, 100},
                           {"config/geometry/phase1", "phase1-ttbar-pu50", 1, 20'000},
                           {"test/data/geometry/generic-pixel", "generic-pixel-ttbar-pu0", 2, 1000}};

OwnedBatch read(const Sample& sample, const Detector& detector) {
  return read_batch(HELIX_SOURCE_DIR "/test/data/events/" + sample.events, detector, sample.n);
}

TEST_CASE("Doublets, connections and n-tuplets are those of the twins") {
  const Sample sample = GENERATE(from_range(std::begin(kSamples), std::end(kSamples)));
  INFO(sample.events);
  const Detector detector = read_detector(sample.geometry);
  OwnedBatch batch = read(sample, detector);
  for (BeamSpot& spot : batch.beam_spot) spot = {0.2f, -0.1f, 3.f};
  Config config;
  config.ntuplets.triplets = sample.n != 2;
  const Found found = search(batch, detector, config);

  const auto hits = twins::hits_of(batch.view(), detector, config.doublets.cluster_sizes);
  REQUIRE(found.doublets.size() > sample.least);
  const auto all = twins::all_doublets(hits, detector, config.doublets);
  check_same(found.doublets, without_innermost_not_found(all, found.doublets, hits, detector));

  // none that a doublet from an innermost layer would have made is missing, though not all such doublets are made
  auto doublets = found.doublets;
  for (const auto& [pair, verdict] : all)
    if (verdict == Verdict::yes) doublets.push_back(pair);
  std::sort(doublets.begin(), doublets.end());
  doublets.erase(std::unique(doublets.begin(), doublets.end()), doublets.end());
  REQUIRE(found.triplets.size() > sample.least / 10);
  check_same(found.triplets, twins::all_connections(hits, doublets, detector, config));

  std::size_t alone = 0, wrong = 0;
  for (const twins::Edge& edge : found.edges) {
    const Verdict verdict = twins::stands_alone(hits, {edge.hits[0], edge.hits[1], edge.hits[2]}, detector, config);
    alone += edge.alone;
    wrong += verdict != Verdict::borderline && edge.alone != (verdict == Verdict::yes);
  }
  CHECK(wrong == 0);
  CHECK(alone > found.edges.size() / 10);

  auto paths = found.paths;
  REQUIRE(paths.size() > sample.least / 100);
  std::sort(paths.begin(), paths.end());
  CHECK((paths == twins::all_paths(found.edges, config.ntuplets)));
}

TEST_CASE("Doublets without cluster sizes, at a higher pt, are those of the twin") {
  const Detector detector = read_detector("config/geometry/phase1");
  const OwnedBatch batch = read(kSamples[0], detector);
  Config config;
  config.doublets.cluster_sizes = false;
  config.doublets.min_pt = config.doublets.min_pt_skipping = 2.f;
  const Found found = search(batch, detector, config);
  REQUIRE(found.doublets.size() > 50);
  const auto hits = twins::hits_of(batch.view(), detector, false);
  check_same(found.doublets, without_innermost_not_found(twins::all_doublets(hits, detector, config.doublets),
                                                        found.doublets, hits, detector));
}

}  // namespace
}  // namespace helix::patatrack
