#include "clients/validation/reco.h"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

using namespace helix;
using namespace helix::validation;
namespace fs = std::filesystem;

namespace {

/// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("helix_reco_test." + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

RecoTracks read(const Folder& folder, int event) {
  const auto found = find_tracks(folder.path(), event);
  REQUIRE(found.ok());
  REQUIRE(found->has_value());
  return **found;
}

std::string failure(const Folder& folder, int event) {
  const auto found = find_tracks(folder.path(), event);
  REQUIRE_FALSE(found.ok());
  CHECK(found.status().code() == Code::invalid_argument);
  return found.status().message();
}

}  // namespace

TEST_CASE("tracks are rows of hit ids and the parameters that the file has", "[validation]") {
  const Folder folder;
  folder.write("event000000003-tracks.csv", "track_id,pt,hit_ids,note\n7,1.5,\"4 5  6\",x\n\n8,nan,,y\n");
  const RecoTracks tracks = read(folder, 3);
  CHECK(tracks.hit_id == std::vector<std::int64_t>{4, 5, 6});
  CHECK(tracks.hit_offsets == std::vector<std::size_t>{0, 3, 3});
  REQUIRE(tracks.column("pt") != nullptr);
  CHECK((*tracks.column("pt"))[0] == 1.5);
  CHECK(std::isnan((*tracks.column("pt"))[1]));
  CHECK(tracks.column("eta") == nullptr);
}

TEST_CASE("labels make tracks of three hits and more", "[validation]") {
  const Folder folder;
  folder.write("event000000001-labels.csv", "hit_id,track_id\n1,5\n2,5\n3,0\n4,2\n5,2\n6,5\n7,-1\n");
  const RecoTracks tracks = read(folder, 1);
  CHECK(tracks.size() == 1);
  CHECK(tracks.hit_id == std::vector<std::int64_t>{1, 2, 6});
}

TEST_CASE("one submission may hold all events", "[validation]") {
  const Folder folder;
  folder.write("submission.csv", "event_id,hit_id,track_id\n1,1,1\n1,2,1\n1,3,1\n2,7,1\n2,8,1\n2,9,1\n");
  CHECK(read(folder, 2).hit_id == std::vector<std::int64_t>{7, 8, 9});
}

TEST_CASE("an event without a file has no tracks and no vertices", "[validation]") {
  const Folder folder;
  const auto tracks = find_tracks(folder.path(), 1);
  REQUIRE(tracks.ok());
  CHECK_FALSE(tracks->has_value());
  const auto vertices = find_vertices(folder.path(), 1);
  REQUIRE(vertices.ok());
  CHECK_FALSE(vertices->has_value());
}

TEST_CASE("what is wrong in a tracks file is named by line and column", "[validation]") {
  const Folder folder;
  folder.write("event000000001-tracks.csv", "track_id,hit_ids,pt\n1,1 2 3,1.0\n2,1 2 x,1.0\n");
  CHECK(failure(folder, 1).find("event000000001-tracks.csv:3: column hit_ids: \"x\"") != std::string::npos);
  folder.write("event000000002-tracks.csv", "track_id,hit_ids,pt\n1,1 2 3,fast\n");
  CHECK(failure(folder, 2).find("event000000002-tracks.csv:2: column pt: \"fast\"") != std::string::npos);
  folder.write("event000000003-tracks.csv", "track_id,hit_ids,pt\n1,1 2 3\n");
  CHECK(failure(folder, 3).find("event000000003-tracks.csv:2: 2 fields, 3 expected") != std::string::npos);
  folder.write("event000000004-tracks.csv", "");
  CHECK(failure(folder, 4).find("empty file") != std::string::npos);
  folder.write("event000000005-tracks.csv", "some,thing\n1,2\n");
  CHECK(failure(folder, 5).find("hit_id") != std::string::npos);
}

TEST_CASE("tracks below a quality are left out with their hits and parameters", "[validation]") {
  const Folder folder;
  folder.write("event000000001-tracks.csv", "hit_ids,pt,quality\n1 2 3,1,0\n4 5 6,2,1\n7 8 9,3,2\n");
  const RecoTracks kept = read(folder, 1).with_quality(1);
  CHECK(kept.size() == 2);
  CHECK(kept.hit_id.front() == 4);
  CHECK(*kept.column("pt") == std::vector<double>{2, 3});
}
