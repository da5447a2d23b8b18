// The errors that the engine gives to muons are those they have, over the whole range of momenta.
#include "test/support/answers.h"
#include "test/twins/toy_muons.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace helix {
namespace {

using namespace test;

/// Pulls of the five parameters, in their order.
using Pulls = std::array<std::vector<double>, 5>;

/// Half the width of the central 68.3 %.
double half_width(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double part) {
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size()))];
  };
  return (at(0.8415) - at(0.1585)) / 2;
}

void add_pulls(Pulls& pulls, const Tracks& tracks, std::size_t t, const twins::ToyMuon& truth) {
  const double differences[] = {std::remainder(tracks.phi[t] - truth.phi, 2 * M_PI), tracks.dxy[t],
                                tracks.q_over_pt[t] - truth.q_over_pt, tracks.cot_theta[t] - truth.cot_theta,
                                tracks.dz[t] - truth.dz};
  for (int i = 0; i < 5; ++i)
    pulls[static_cast<std::size_t>(i)].push_back(
        differences[i] / std::sqrt(tracks.covariance[t][static_cast<std::size_t>(covariance_row(i, i))]));
}

/// Muon of each hit of an event, by row.
std::vector<const twins::ToyMuon*> owners(const twins::ToyEvents& toy, Index event) {
  const auto e = static_cast<std::size_t>(event);
  std::vector<const twins::ToyMuon*> owner(static_cast<std::size_t>(toy.batch.events[e + 1] - toy.batch.events[e]));
  for (const auto& muon : toy.muons)
    if (muon.event == event)
      for (const Index hit : muon.hits) owner[static_cast<std::size_t>(hit)] = &muon;
  return owner;
}

TEST_CASE("Pulls of single muons are 1 from 0.5 to 50 GeV") {
  twins::ToyOptions options;
  options.events = 600;
  options.spot = {0.5f, -0.3f, 4.f};
  options.seed = 7;
  const auto toy = twins::make_toy_muons(phase1(), options);
  const BatchResult result = reconstruct(phase1(), toy.batch);
  const Tracks& tracks = result.tracks;

  std::map<int, Pulls> pulls;  // 0: below 2 GeV, 1: below 8 GeV, 2: above
  std::size_t found = 0, mixed = 0, makeable = 0;
  for (const auto& muon : toy.muons) makeable += muon.hits.size() >= 4;
  for (Index e = 0; e < options.events; ++e) {
    const auto owner = owners(toy, e);
    for (Index t = tracks.event_offsets[static_cast<std::size_t>(e)];
         t < tracks.event_offsets[static_cast<std::size_t>(e) + 1]; ++t) {
      const auto k = static_cast<std::size_t>(t);
      const auto first = tracks.hit.begin() + tracks.hit_offsets[k],
                 last = tracks.hit.begin() + tracks.hit_offsets[k + 1];
      const twins::ToyMuon* muon = owner[static_cast<std::size_t>(*first)];
      if (!std::all_of(first, last, [&](Index hit) { return owner[static_cast<std::size_t>(hit)] == muon; })) {
        ++mixed;
        continue;
      }
      ++found;
      const double pt = 1 / std::fabs(muon->q_over_pt);
      add_pulls(pulls[pt < 2 ? 0 : (pt < 8 ? 1 : 2)], tracks, k, *muon);
    }
  }
  REQUIRE(makeable > 4000);
  CHECK(static_cast<double>(found) > 0.9 * static_cast<double>(makeable));
  CHECK(static_cast<double>(mixed) < 0.01 * static_cast<double>(found));
  const char* ranges[] = {"0.5 to 2 GeV", "2 to 8 GeV", "8 to 50 GeV"};
  const char* names[] = {"phi", "dxy", "q_over_pt", "cot_theta", "dz"};
  for (const auto& [range, columns] : pulls)
    for (std::size_t i = 0; i < 5; ++i) {
      const double width = half_width(columns[i]);
      CAPTURE(ranges[range], names[i], columns[i].size());
      CHECK(width > 0.9);
      CHECK(width < 1.1);
    }
}

}  // namespace
}  // namespace helix
