// Figures against those of an independent implementation: test/data/validate/README.md.
#include "clients/validation/folder.h"
#include "clients/validation/report.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>
#include <string>

using namespace helix;
using namespace helix::validation;

namespace {

const std::string kFolder = HELIX_SOURCE_DIR "/test/data/validate/";

std::string expected(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(kFolder + name).rdbuf();
  return text.str();
}

std::string figures(const Cuts& cuts, const Frame& frame) {
  const auto totals = score_folders(kFolder + "events", kFolder + "tracks", cuts, frame, false);
  REQUIRE(totals.ok());
  std::ostringstream text;
  print(text, *totals);
  return text.str();
}

}  // namespace

TEST_CASE("validate prints the figures of an independent implementation, default cuts", "[validation]") {
  CHECK(figures(Cuts(), Frame()) == expected("expected-default.txt"));
}

TEST_CASE("validate prints the figures of an independent implementation, other cuts and beam spot", "[validation]") {
  Cuts cuts;
  cuts.min_hits = 4;
  cuts.min_pt = 0.5;
  cuts.max_eta = 2;
  cuts.min_quality = 1;
  CHECK(figures(cuts, Frame{3.8, {0.4, -0.3, 2}}) == expected("expected-tight.txt"));
}

TEST_CASE("validate's JSON holds the printed figures", "[validation]") {
  const auto totals = score_folders(kFolder + "events", kFolder + "tracks", Cuts(), Frame(), false);
  REQUIRE(totals.ok());
  const std::string json = to_json(*totals, Cuts(), Frame());
  CHECK(json.find("\"found\": " + std::to_string(totals->found)) != std::string::npos);
  CHECK(json.find("\"min_quality\": null") != std::string::npos);
  CHECK(json.find("\"vertices\": {") != std::string::npos);
}

TEST_CASE("validate names what it cannot read", "[validation]") {
  const auto no_folder = score_folders("no/such/folder", kFolder, Cuts(), Frame(), false);
  CHECK(no_folder.status().code() == Code::not_found);
  CHECK(no_folder.status().message().find("no/such/folder") != std::string::npos);
  const auto no_tracks = score_folders(kFolder + "events", kFolder, Cuts(), Frame(), false);
  CHECK(no_tracks.status().code() == Code::not_found);
  CHECK(no_tracks.status().message().find("no tracks for any of 2 events") != std::string::npos);
}
