// The fit in single precision against the dense one in double precision. One text for both backends.
#include "kernels/patatrack/broken_line.h"

#include "test/support/answers.h"
#include "test/support/upload.h"
#include "test/twins/broken_line.h"
#include "test/twins/toy_muons.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

namespace helix::patatrack {
namespace {

using namespace test;

/// Fits the true hits of muons, without a search.
std::vector<TrackFit> fit(const Detector& detector, const twins::ToyEvents& toy,
                          const std::vector<std::vector<Index>>& rows) {
  TestDevice device;
  const DetectorView view = upload(device, detector);
  const HitBatch batch = upload(device, toy.batch);
  const SortedHits sorted = prepare_hits(device.exec(), batch, view, false);
  const auto original = device.download(sorted.original);
  std::vector<Index> sorted_row(original.size());
  for (std::size_t i = 0; i < original.size(); ++i)
    sorted_row[static_cast<std::size_t>(original[i])] = static_cast<Index>(i);
  std::vector<Index> offsets{0}, hits;
  for (const auto& row : rows) {
    for (const Index hit : row) hits.push_back(sorted_row[static_cast<std::size_t>(hit)]);
    offsets.push_back(static_cast<Index>(hits.size()));
  }
  const TrackHits tracks{{device.upload(offsets)}, device.upload(hits)};
  return device.download(fit_broken_lines(device.exec(), batch, sorted, view, tracks));
}

/// Hits of each muon that has enough, as rows of the batch; each fourth without its second, for layers without a hit.
std::vector<std::vector<Index>> true_rows(const twins::ToyEvents& toy) {
  std::vector<std::vector<Index>> rows;
  for (const auto& muon : toy.muons) {
    if (muon.hits.size() < 4) continue;
    std::vector<Index> row;
    for (const Index hit : muon.hits) row.push_back(toy.batch.events[static_cast<std::size_t>(muon.event)] + hit);
    if (rows.size() % 4 == 3) row.erase(row.begin() + 1);
    if (rows.size() % 4 == 2) row.resize(3);
    rows.push_back(row);
  }
  return rows;
}

double angle(double a, double b) { return std::remainder(a - b, 2 * M_PI); }

/// Largest and typical values of something.
struct Spread {
  std::vector<double> values;
  void add(double value) { values.push_back(std::fabs(value)); }
  double quantile(double part) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
  }
};

TEST_CASE("The broken line is Blobel's, in double precision, to a small part of its errors") {
  twins::ToyOptions options;
  options.events = 60;
  options.spot = {0.4f, -0.3f, 2.f};
  options.seed = 11;
  const auto toy = twins::make_toy_muons(phase1(), options);
  const auto rows = true_rows(toy);
  const auto found = fit(phase1(), toy, rows);
  const auto hits = twins::hits_of(toy.batch.view(), phase1(), false);
  REQUIRE(found.size() > 400);

  Spread parameters, covariances, chi2;
  for (std::size_t t = 0; t < rows.size(); ++t) {
    std::vector<twins::Hit> track;
    for (const Index row : rows[t]) track.push_back(hits[static_cast<std::size_t>(row)]);
    const auto expected = twins::fit_broken_line(track, phase1());
    const TrackFit& f = found[t];
    parameters.add(angle(f.phi, expected.phi) / std::sqrt(expected.circle[0]));
    parameters.add((f.dxy - expected.dxy) / std::sqrt(expected.circle[3]));
    parameters.add((f.q_over_pt - expected.q_over_pt) / std::sqrt(expected.circle[5]));
    parameters.add((f.cot_theta - expected.cot_theta) / std::sqrt(expected.line[0]));
    parameters.add((f.dz - expected.dz) / std::sqrt(expected.line[2]));
    const int variance[] = {0, 0, 0, 3, 3, 5}, other[] = {0, 3, 5, 3, 5, 5};
    for (std::size_t c = 0; c < 6; ++c)
      covariances.add((f.circle[c] - expected.circle[c]) /
                      std::sqrt(expected.circle[static_cast<std::size_t>(variance[c])] *
                                expected.circle[static_cast<std::size_t>(other[c])]));
    covariances.add(f.line[0] / expected.line[0] - 1);
    covariances.add((f.line[1] - expected.line[1]) / std::sqrt(expected.line[0] * expected.line[2]));
    covariances.add(f.line[2] / expected.line[2] - 1);
    chi2.add((f.chi2_circle - expected.chi2_circle) / (0.1 + expected.chi2_circle));
    chi2.add((f.chi2_line - expected.chi2_line) / (0.1 + expected.chi2_line));
  }
  CAPTURE(parameters.quantile(0.5), parameters.quantile(0.99), parameters.quantile(1));
  CAPTURE(covariances.quantile(0.5), covariances.quantile(0.99), covariances.quantile(1));
  CAPTURE(chi2.quantile(0.5), chi2.quantile(0.99), chi2.quantile(1));
  CHECK(parameters.quantile(0.5) < 1e-3);
  CHECK(parameters.quantile(1) < 1e-2);
  CHECK(covariances.quantile(0.99) < 0.01);
  CHECK(covariances.quantile(1) < 0.05);  // a few steep tracks: the 3 x 3 inverse at the beam line cancels
  CHECK(chi2.quantile(0.99) < 0.01);
  CHECK(chi2.quantile(1) < 0.05);
}

TEST_CASE("A row of hits at one place is marked, and does not touch its neighbours") {
  twins::ToyOptions options;
  options.seed = 12;
  const auto toy = twins::make_toy_muons(phase1(), options);
  auto rows = true_rows(toy);
  REQUIRE(rows.size() > 4);
  const auto alone = fit(phase1(), toy, {rows[0], rows[1]});
  const auto beside = fit(phase1(), toy, {rows[0], {rows[2][0], rows[2][0], rows[2][0]}, rows[1]});
  CHECK(std::isinf(beside[1].chi2_line));
  CHECK(beside[0].phi == alone[0].phi);
  CHECK(beside[2].chi2_line == alone[1].chi2_line);
}

}  // namespace
}  // namespace helix::patatrack
