#include "kernels/event/trackml_csv.h"

#include "kernels/core/csv.h"
#include "kernels/core/file.h"
#include "test/support/temp_folder.h"

#include <catch2/catch.hpp>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>

namespace helix {
namespace {

const std::string kEvents = HELIX_SOURCE_DIR "/test/data/events/phase1-ttbar-pu50";
const std::string kHeader = "hit_id,x,y,z,volume_id,layer_id,module_id\n";

TEST_CASE("hits: TrackML's seven columns are enough") {
  const TempFolder folder;
  const Result<EventHits> hits = read_hits(folder.write("h.csv", kHeader + "5,1.5,-2,3,8,2,1\n3,4,5,6,9,4,7\n"));
  REQUIRE(hits.status().message() == "");
  CHECK(hits->hit_id == std::vector<std::int64_t>{5, 3});
  CHECK(hits->x == std::vector<float>{1.5f, 4});
  CHECK(hits->z == std::vector<float>{3, 6});
  CHECK(hits->module_id == std::vector<std::uint32_t>{1, 7});
  CHECK(hits->var_u.empty());
  CHECK(hits->size_v.empty());
  CHECK(hits->module_index.empty());
}

TEST_CASE("hits: an event without any is well") {
  const TempFolder folder;
  const Result<EventHits> hits = read_hits(folder.write("h.csv", kHeader));
  REQUIRE(hits.ok());
  CHECK(hits->size() == 0);
}

TEST_CASE("hits: the sample events have all columns, on modules of phase1") {
  const Result<Detector> detector = load_detector(HELIX_SOURCE_DIR "/config/geometry/phase1");
  REQUIRE(detector.ok());
  const Result<EventHits> hits = read_hits(kEvents + "/event000000000-hits.csv.gz");
  REQUIRE(hits.status().message() == "");
  REQUIRE(hits->size() == 10837);
  CHECK(hits->hit_id.front() == 1);
  CHECK(hits->x.front() == 31.095f);
  CHECK(hits->var_v.front() == 4.36e-4f);
  CHECK(hits->size_v.front() == 10);
  CHECK(hits->charge.size() == hits->size());
  CHECK(hits->local_u.size() == hits->size());
  const Result<std::vector<std::uint32_t>> modules = find_modules(*hits, *detector);
  REQUIRE(modules.status().message() == "");
  CHECK(*modules == hits->module_index);
}

TEST_CASE("hits: one on a module that the geometry has not is named") {
  const Result<Detector> detector = load_detector(HELIX_SOURCE_DIR "/config/geometry/phase1");
  REQUIRE(detector.ok());
  const TempFolder folder;
  const std::string path = folder.write("h.csv", kHeader + "1,30,0,0,8,2,1\n7,30,0,0,8,2,97\n");
  const Result<EventHits> hits = read_hits(path);
  REQUIRE(hits.ok());
  const Status status = find_modules(*hits, *detector).status();
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message() ==
        path + ": hit_id 7 is on volume_id 8, layer_id 2, module_id 97: no such module in geometry phase1");
}

TEST_CASE("hits: what is wrong is named with file, line and column") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"", ": empty file, not a TrackML hits file"},
      {"geometry_id,x,y,z\n2,3,4,5\n", ": not a TrackML hits file: no column hit_id"},
      {"hit_id,x,y,z\n1,3,4,5\n", ": not a TrackML hits file: no column volume_id"},
      {kHeader + "1,1,1,one,8,2,1\n", ":2: column z: \"one\" is not a number"},
      {kHeader + "1,1,1,1,8,2,1\n2,1,1,1,8\n", ":3: 5 fields, 7 expected"},
      {kHeader + "1,1,1,1,8,2,1junk\n", ":2: column module_id: \"1junk\" is not a whole number"},
      {kHeader + "1,1,inf,1,8,2,1\n", ":2: column y: \"inf\" is not finite"},
      {kHeader + "4,1,1,1,8,2,1\n2,1,1,1,8,2,1\n\n4,1,1,1,8,2,1\n", ":5: column hit_id: 4 is in line 2 too"},
      {kHeader + "4,1,1,1,8,2,1\n4,1,1,1,8,2,1\n4,1,1,1,8,2,1\n", ":3: column hit_id: 4 is in line 2 too"},
      {"hit_id,x,y,z,volume_id,layer_id,module_id,var_u\n1,1,1,1,8,2,1,1\n", ": no column var_v, but var_u"},
      {"hit_id,x,y,z,volume_id,layer_id,module_id,size_v\n1,1,1,1,8,2,1,1\n", ": no column size_u, but size_v"},
  }));
  const TempFolder folder;
  const std::string path = folder.write("event1-hits.csv", text);
  const Status status = read_hits(path).status();
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message() == path + message);
}

TEST_CASE("events: found by folder, file and prefix") {
  const Result<std::vector<EventFile>> all = find_events(kEvents);
  REQUIRE(all.ok());
  REQUIRE(all->size() == 3);
  CHECK((*all)[0].name == "event000000000");
  CHECK((*all)[2].name == "event000000002");
  CHECK((*all)[2].prefix == kEvents + "/event000000002");
  CHECK((*all)[2].hits == kEvents + "/event000000002-hits.csv.gz");

  const Result<std::vector<EventFile>> file = find_events((*all)[1].hits);
  REQUIRE(file.ok());
  REQUIRE(file->size() == 1);
  CHECK((*file)[0].prefix == (*all)[1].prefix);
  const Result<std::vector<EventFile>> prefix = find_events((*all)[1].prefix);
  REQUIRE(prefix.ok());
  CHECK((*prefix)[0].hits == (*all)[1].hits);
}

TEST_CASE("events: one that is there plain and compressed counts once, other files not at all") {
  const TempFolder folder;
  for (const char* name :
       {"event2-hits.csv", "event2-hits.csv.gz", "event1-hits.csv.gz", "event1-truth.csv", "hits.csv"})
    folder.write(name, "");
  const Result<std::vector<EventFile>> events = find_events(folder.path());
  REQUIRE(events.ok());
  REQUIRE(events->size() == 2);
  CHECK((*events)[0].hits == (folder / "event1-hits.csv.gz"));
  CHECK((*events)[1].hits == (folder / "event2-hits.csv"));
}

TEST_CASE("events: paths that lead nowhere are named") {
  const TempFolder folder;
  const Status empty = find_events(folder.path()).status();
  CHECK(empty.code() == Code::not_found);
  CHECK(empty.message() == folder.path() + ": no event*-hits.csv in this folder");
  const Status missing = find_events(folder / "event7").status();
  CHECK(missing.code() == Code::not_found);
  CHECK(missing.message() == (folder / "event7") + ": no such file or folder, nor " + (folder / "event7-hits.csv"));
}

/// Two events; the second has tracks of hits (2, 0) and (0, 1), the first one of hits (1).
Tracks sample_tracks() {
  Tracks t;
  t.event_offsets = {0, 1, 3};
  t.hit_offsets = {0, 1, 3, 5};
  t.hit = {1, 2, 0, 0, 1};
  t.phi = {9, 0.1f, -3.1f};
  t.dxy = {9, 0.2f, 1e-7f};
  t.q_over_pt = {9, -0.5f, 0.1f};
  t.cot_theta = {9, 1, -2};
  t.dz = {9, 0.3f, -123.456789f};
  t.covariance.resize(3);
  for (int i = 0; i < 5; ++i) t.covariance[1][covariance_row(i, i)] = static_cast<float>(i + 1);
  t.chi2 = {9, 2.5f, 0};
  t.ndof = {9, 3, 1};
  t.quality = {9, 2, 1};
  t.vertex = {9, 0, -1};
  return t;
}

TEST_CASE("tracks: one event of a batch, columns as agreed, hits by their ids") {
  const TempFolder folder;
  const std::string path = folder / "event1-tracks.csv";
  REQUIRE(write_tracks(path, std::vector<std::int64_t>{101, 102, 103}, sample_tracks(), 1).message() == "");
  CHECK(*read_file(path) ==
        "track_id,hit_ids,charge,pt,eta,phi,dxy,dz,chi2,ndof,quality,vertex_id,"
        "var_phi,var_dxy,var_qoverpt,var_cottheta,var_dz\n"
        "1,103 101,-1,2,0.8813736,0.1,0.2,0.3,2.5,3,2,1,1,2,3,4,5\n"
        "2,101 102,1,10,-1.4436355,-3.1,1e-07,-123.45679,0,1,1,0,0,0,0,0,0\n");
}

TEST_CASE("labels: every hit, and a shared one by its first track") {
  const TempFolder folder;
  const std::string path = folder / "labels.csv";
  REQUIRE(write_labels(path, std::vector<std::int64_t>{101, 102, 103, 104}, sample_tracks(), 1).ok());
  CHECK(*read_file(path) == "hit_id,track_id\n101,1\n102,2\n103,1\n104,0\n");
}

TEST_CASE("vertices: one event of a batch, floats read back the same") {
  Vertices v;
  v.event_offsets = {0, 1, 3, 3};
  v.x = {9, 0.1f, 1.f / 3};
  v.y = {9, -1e-20f, std::numeric_limits<float>::max()};
  v.z = {9, 101.3f, std::nextafter(1.f, 2.f)};
  v.var_z = {9, 1e-4f, 4};
  v.n_tracks = {9, 12, 2};
  v.sum_pt2 = {9, 1234.5f, 0.25f};
  v.chi2 = {9, 10, 0};
  const TempFolder folder;
  const std::string path = folder / "v.csv";
  REQUIRE(write_vertices(path, v, 1).ok());
  std::vector<float> x, y, z, var_z, sum_pt2, chi2;
  std::vector<std::int64_t> id, n;
  CsvReader csv("vertices");
  csv.need("vertex_id", &id).need("x", &x).need("y", &y).need("z", &z).need("var_z", &var_z);
  csv.need("n_tracks", &n).need("sum_pt2", &sum_pt2).need("chi2", &chi2);
  REQUIRE(csv.read(path).message() == "");
  CHECK(id == std::vector<std::int64_t>{1, 2});
  CHECK(x == std::vector<float>(v.x.begin() + 1, v.x.end()));
  CHECK(y == std::vector<float>(v.y.begin() + 1, v.y.end()));
  CHECK(z == std::vector<float>(v.z.begin() + 1, v.z.end()));
  CHECK(n == std::vector<std::int64_t>{12, 2});
  CHECK(sum_pt2 == std::vector<float>(v.sum_pt2.begin() + 1, v.sum_pt2.end()));

  REQUIRE(write_vertices(path, v, 2).ok());
  CHECK(*read_file(path) == "vertex_id,x,y,z,var_z,n_tracks,sum_pt2,chi2\n");
}

TEST_CASE("writers: a folder that does not exist is an error") {
  const TempFolder folder;
  const Status status = write_labels(folder / "none/l.csv", std::vector<std::int64_t>{1, 2, 3}, sample_tracks(), 0);
  CHECK(status.code() == Code::invalid_argument);
  CHECK_THAT(status.message(), Catch::Contains("none/l.csv: cannot write: No such file or directory"));
}

}  // namespace
}  // namespace helix
