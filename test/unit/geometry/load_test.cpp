#include "kernels/geometry/detector.h"
#include "test/support/temp_folder.h"

#include <catch2/catch.hpp>

#include <cmath>

namespace helix {
namespace {

const std::string kSource = HELIX_SOURCE_DIR;
const std::string kPhase1 = kSource + "/config/geometry/phase1";
const std::string kGeneric = kSource + "/test/data/geometry/generic-pixel";

// Two barrel modules at x = 30 and 60 mm, a disc module at z = 100 mm, and one of a volume that is not listed.
const std::string kHeader =
    "volume_id,layer_id,module_id,cx,cy,cz,rot_xu,rot_xv,rot_xw,rot_yu,rot_yv,rot_yw,rot_zu,rot_zv,rot_zw,"
    "module_t,module_minhu,module_maxhu,module_hv,pitch_u,pitch_v\n";
const std::string kInnerRow = "8,2,1,30,0,5,0,0,1,1,0,0,0,1,0,0.1,4,8,20,0.1,0.1\n";
const std::string kOuterRow = "8,4,7,60,0,0,0,0,1,1,0,0,0,1,0,0.1,8,8,40,0.1,0.1\n";
const std::string kDiscRow = "9,2,3,50,0,100,0,1,0,-1,0,0,0,0,1,0.1,8,8,10,0.1,0.1\n";
const std::string kOtherRow = "13,2,1,90,0,0,0,0,1,1,0,0,0,1,0,0.1,8,8,40,0.1,0.1\n";
const std::string kModules = kHeader + kInnerRow + kOuterRow + kDiscRow + kOtherRow;

const std::string kTop = "name = \"toy\"\nfield = 2\n[beam_pipe]\nradius = 20\nx0 = 0.003\n";
const std::string kLayers =
    "[[layer]]\nname = \"A\"\nkind = \"barrel\"\nvolume = 8\nlayer = 2\nx0 = 0.01\nsigma_u = 0.02\nsigma_v = 0.03\n"
    "size_windows = [[0, 1], [0.5, 1e9]]\n"
    "[[layer]]\nname = \"B\"\nkind = \"barrel\"\nvolume = 8\nlayer = 4\nx0 = 0.02\nsigma_u = 0.02\nsigma_v = 0.03\n"
    "[[layer]]\nname = \"C\"\nkind = \"disc\"\nvolume = 9\nlayer = 2\nx0 = 0.03\nsigma_u = 0.02\nsigma_v = 0.03\n";
const std::string kPairs =
    "[[pair]]\ninner = \"B\"\nouter = \"C\"\nphi = 0.2\ninner_range = [1, 2]\nouter_range = [3, 4]\n"
    "[[pair]]\ninner = \"A\"\nouter = \"C\"\nphi = 0.1\ninner_range = [5, 6]\nouter_range = [7, 8]\nskips = 1\n"
    "[[pair]]\ninner = \"A\"\nouter = \"B\"\nphi = 0.3\ninner_range = [-9, 9]\nouter_range = [-10, 10]\n";
const std::string kToml = kTop + kLayers + kPairs;

Result<Detector> load(const TempFolder& folder, const std::string& modules, const std::string& toml) {
  folder.write("detectors.csv", modules);
  folder.write("geometry.toml", toml);
  return load_detector(folder.path());
}

std::string replaced(std::string text, const std::string& old, const std::string& by) {
  const std::size_t at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), by);
}

TEST_CASE("geometry: a small one by hand") {
  const TempFolder folder;
  const Result<Detector> d = load(folder, kModules, kToml);
  REQUIRE(d.status().message() == "");
  CHECK(d->name == "toy");
  CHECK(d->field == 2.f);
  CHECK(d->beam_pipe_radius == 20.f);
  CHECK(d->beam_pipe_x0 == 0.003f);
  CHECK(d->layer_names == std::vector<std::string>{"A", "B", "C"});

  REQUIRE(d->modules.size() == 4);
  CHECK(d->modules[0].layer == 0);
  CHECK(d->modules[2].layer == 2);
  CHECK(d->modules[3].layer == -1);
  CHECK(d->modules[0].half_u == 4.f);  // the smaller of minhu and maxhu
  CHECK(d->modules[0].half_v == 20.f);
  CHECK(d->modules[0].u[1] == 1.f);
  CHECK(d->modules[0].v[2] == 1.f);
  CHECK(d->modules[0].w[0] == 1.f);

  const Layer& a = d->layers[0];
  CHECK(a.kind == LayerKind::barrel);
  CHECK(a.coordinate_min == Approx(-15));
  CHECK(a.coordinate_max == Approx(25));
  CHECK(a.r_min == Approx(30));
  CHECK(a.r_max == Approx(std::hypot(30, 4)));
  CHECK(a.position > a.r_min);
  CHECK(a.position < a.r_max);
  CHECK(a.x0 == 0.01f);
  CHECK(a.var_u == Approx(0.0004));
  CHECK(a.var_v == Approx(0.0009));
  const Layer& c = d->layers[2];
  CHECK(c.kind == LayerKind::disc);
  CHECK(c.position == Approx(100));
  CHECK(c.coordinate_min == Approx(40));
  CHECK(c.coordinate_max == Approx(std::hypot(60, 8)));
  CHECK(c.z_min == Approx(100));
}

TEST_CASE("geometry: pairs are ordered by inner layer, then outer") {
  const TempFolder folder;
  const Result<Detector> d = load(folder, kModules, kToml);
  REQUIRE(d.ok());
  REQUIRE(d->pairs.size() == 3);
  CHECK(d->pairs[0].outer == 1);
  CHECK(d->pairs[1].outer == 2);
  CHECK(d->pairs[1].phi == 0.1f);
  CHECK(d->pairs[1].skips == 1);
  CHECK(d->pairs[1].inner_min == 5);
  CHECK(d->pairs[1].inner_max == 6);
  CHECK(d->pairs[1].outer_min == 7);
  CHECK(d->pairs[1].outer_max == 8);
  CHECK(d->pairs[2].inner == 1);
  CHECK(d->pairs[2].skips == 0);
  CHECK(d->pairs[0].innermost);
  CHECK(d->pairs[1].innermost);
  CHECK(!d->pairs[2].innermost);
  CHECK(d->pairs_of_layer == std::vector<Index>{0, 2, 3, 3});
}

TEST_CASE("geometry: the last size window holds for larger clusters, none is open") {
  const TempFolder folder;
  const Result<Detector> d = load(folder, kModules, kToml);
  REQUIRE(d.ok());
  REQUIRE(d->size_windows.size() == 3u * kSizeRows);
  const auto first = static_cast<std::size_t>(d->layers[0].size_first);
  CHECK(d->size_windows[first].cot_max == 1.f);
  CHECK(d->size_windows[first + 1].cot_min == 0.5f);
  CHECK(d->size_windows[first + kSizeRows - 1].cot_min == 0.5f);
  const auto open = static_cast<std::size_t>(d->layers[1].size_first);
  CHECK(d->size_windows[open].cot_min == 0.f);
  CHECK(d->size_windows[open].cot_max == 1e9f);
}

TEST_CASE("geometry: modules are found by TrackML's ids") {
  const TempFolder folder;
  const Result<Detector> d = load(folder, kModules, kToml);
  REQUIRE(d.ok());
  CHECK(d->find_module(8, 4, 7) == 1);
  CHECK(d->find_module(13, 2, 1) == 3);
  CHECK(d->find_module(8, 4, 1) == -1);
  CHECK(d->find_module(0x10008, 4, 7) == -1);
  CHECK(d->find_module(8, 0x10004, 7) == -1);
  const std::vector<std::uint32_t> volume{13, 8, 8, 8, 13}, layer{2, 4, 4, 4, 2}, module{1, 7, 7, 1, 1};
  std::vector<std::uint32_t> rows(5);
  CHECK(d->find_modules(volume, layer, module, rows) == 3);
  rows.resize(3);
  CHECK(d->find_modules(volume, layer, module, rows) == 3);
  CHECK(rows == std::vector<std::uint32_t>{3, 1, 1});
}

TEST_CASE("geometry: the view shows what the detector owns") {
  const TempFolder folder;
  const Result<Detector> d = load(folder, kModules, kToml);
  REQUIRE(d.ok());
  const DetectorView view = d->view();
  CHECK(view.modules.begin() == d->modules.data());
  CHECK(view.layers.size() == 3);
  CHECK(view.pairs.size() == 3);
  CHECK(view.pairs_of_layer.rows() == 3);
  CHECK(view.grid.rows() == 3 * kGridPhi * kGridCoordinate);
  CHECK(view.grid_modules.size() == static_cast<std::size_t>(*view.grid.total()));
  CHECK(view.size_windows.size() == 3u * kSizeRows);
  CHECK(view.field == 2.f);
  CHECK(view.beam_pipe_radius == 20.f);
}

TEST_CASE("geometry: the digest changes with either file, not with their compression") {
  const TempFolder folder;
  const std::string digest = load(folder, kModules, kToml)->digest;
  CHECK(digest.size() == 64);
  CHECK(load(folder, kModules, kToml + "# a comment\n")->digest != digest);
  CHECK(load(folder, replaced(kModules, "0.1,4,8", "0.2,4,8"), kToml)->digest != digest);
  CHECK(load(folder, kModules, kToml)->digest == digest);
}

TEST_CASE("geometry: what is wrong in detectors.csv is named with line and column") {
  const auto [old, by, message] = GENERATE(table<std::string, std::string, std::string>({
      {"module_hv", "hv", ": not a TrackML detectors file: no column module_hv"},
      {"60,0,0", "60,0,abc", ":3: column cz: \"abc\" is not a number"},
      {"60,0,0", "60,0,2e5", ":3: column cz: 200000.000000 is not within +-100 m"},
      {"60,0,0,0,0,1,1", "60,0,0,0,0,1.1,1",
       ":3: columns rot_xw, rot_yw, rot_zw: length of axis is not 1 but 1.100000"},
      {"60,0,0,0,0,1,1", "60,0,0,0,1,0,1", ":3: columns rot_xv, rot_yv, rot_zv: length of axis is not 1 but 1.414214"},
      {"0,0,1,1,0,0,0,1,0,0.1,8,8,40", "0,1,0,1,0,0,0,0,1,0.1,8,8,40",
       ":3: columns rot_xu .. rot_zw: axes u, v, w are left-handed"},
      {"0,0,1,1,0,0,0,1,0,0.1,8,8,40", "0,1,1,1,0,0,0,0,0,0.1,8,8,40",
       ":3: columns rot_xu .. rot_zw: axes u, v, w are not at right angles"},
      {"8,8,40", "8,-8,40", ":3: column module_maxhu: half a module's size is -8.000000 mm"},
      {"8,4,7", "8,2,1", ":3: columns volume_id, layer_id, module_id: module 8, 2, 1 is there twice"},
      {"8,4,7", "65536,4,7", ":3: columns volume_id, layer_id: not within 0 .. 65535"},
  }));
  const TempFolder folder;
  const Status status = load(folder, replaced(kModules, old, by), kToml).status();
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message() == (folder / "detectors.csv") + message);
}

TEST_CASE("geometry: a detectors.csv without modules, or with module_index out of order, is an error") {
  const TempFolder folder;
  CHECK(load(folder, kHeader, kToml).status().message() == (folder / "detectors.csv") + ": no modules");
  const std::string indexed =
      replaced(replaced(replaced(replaced(replaced(kModules, "pitch_v\n", "pitch_v,module_index\n"), "20,0.1,0.1\n",
                                          "20,0.1,0.1,0\n"),
                                 "40,0.1,0.1\n", "40,0.1,0.1,1\n"),
                        "10,0.1,0.1\n", "10,0.1,0.1,2\n"),
               "40,0.1,0.1\n", "40,0.1,0.1,4\n");
  CHECK(load(folder, indexed, kToml).status().message() ==
        (folder / "detectors.csv") + ":5: column module_index: 4 is not the number of the row, 3");
}

TEST_CASE("geometry: more layers than a set of layers holds are refused") {
  std::string toml = kTop;
  for (int l = 0; l < 65; ++l)
    toml += "[[layer]]\nname = \"L" + std::to_string(l) +
            "\"\nkind = \"barrel\"\nvolume = 8\nlayer = " + std::to_string(l) +
            "\nx0 = 0.02\nsigma_u = 0.01\nsigma_v = 0.02\n";
  toml += "[[pair]]\ninner = \"L1\"\nouter = \"L2\"\nphi = 0.2\ninner_range = [1, 2]\nouter_range = [3, 4]\n";
  const TempFolder folder;
  CHECK_THAT(load(folder, kModules, toml).status().message(), Catch::Contains(": layer[64]: more than 64 layers"));
}

TEST_CASE("geometry: what is wrong in geometry.toml is named with line and key") {
  const auto [old, by, message] = GENERATE(table<std::string, std::string, std::string>({
      {"name = \"toy\"\n", "", ":1: name: missing key"},
      {"field = 2", "field = \"2\"", ":2: field: is not a number"},
      {"field = 2", "field = nan", ":2: field: nan is not within -20 .. 20"},
      {"field = 2", "field = 0", ":2: field: is 0: momenta cannot be measured"},
      {"field = 2", "field = 2\nfiled = 2", ":3: filed: unknown key"},
      {"radius = 20\n", "", ":3: beam_pipe.radius: missing key"},
      {"[beam_pipe]\nradius = 20\nx0 = 0.003\n", "", ":1: beam_pipe: missing key"},
      {"kind = \"disc\"", "kind = \"disk\"", ":25: layer[2].kind: \"disk\" is neither \"barrel\" nor \"disc\""},
      {"volume = 9", "volume = 9.0", ":26: layer[2].volume: is not a whole number"},
      {"volume = 9", "volume = -1", ":26: layer[2].volume: -1 is not within 0 .. 65535"},
      {"x0 = 0.03\n", "x0 = 0.03\nx1 = 1\n", ":29: layer[2].x1: unknown key"},
      {"sigma_u = 0.02", "sigma_u = 0", ":12: layer[0].sigma_u: 0 is not within 1e-06 .. 1000"},
      {"[[0, 1], ", "[[1, 0], ", ":14: layer[0].size_windows: row 1 is not two finite numbers in rising order"},
      {"[[0, 1], ", "[[0, inf], ", ":14: layer[0].size_windows: row 1 is not two finite numbers in rising order"},
      {"name = \"B\"", "name = \"A\"", ":15: layer[1].name: \"A\" is there twice"},
      {"layer = 4", "layer = 2", ":15: layer[1].layer: volume 8, layer 2 is there twice"},
      {"outer = \"C\"", "outer = \"D\"", ":33: pair[0].outer: no layer is called \"D\""},
      {"outer = \"C\"", "outer = \"B\"", ":33: pair[0].outer: is the same layer as inner"},
      {"outer = \"C\"\nphi = 0.1", "outer = \"B\"\nphi = 0.1", ":44: pair[2].outer: the pair A, B is there twice"},
      {"phi = 0.2", "phi = 4", ":34: pair[0].phi: 4 is not within 0 .. 3.14159"},
      {"[1, 2]", "[2, 1]", ":35: pair[0].inner_range: is not two finite numbers in rising order"},
      {"[1, 2]", "[1]", ":35: pair[0].inner_range: is not two finite numbers in rising order"},
      {"skips = 1", "skips = -1", ":43: pair[1].skips: -1 is not within 0 .. 10"},
      {"layer = 4", "layer = 6", ": layer[1] \"B\": detectors.csv has no module of volume 8, layer 6"},
      {"field = 2", "field = ", ":2:9: "},
  }));
  const TempFolder folder;
  const Status status = load(folder, kModules, replaced(kToml, old, by)).status();
  CHECK(status.code() == Code::invalid_argument);
  CHECK_THAT(status.message(), Catch::StartsWith((folder / "geometry.toml") + message));
}

TEST_CASE("geometry: without layers or pairs, or with modules on the beam line, it is refused") {
  const TempFolder folder;
  CHECK(load(folder, kModules, kTop).status().message() == (folder / "geometry.toml") + ":1: layer: missing key");
  CHECK(load(folder, kModules, kTop + kLayers).status().message() ==
        (folder / "geometry.toml") + ":1: pair: missing key");
  CHECK(load(folder, replaced(kModules, "8,2,1,30", "8,2,1,0"), kToml).status().message() ==
        (folder / "geometry.toml") + ": layer[0] \"A\": its modules reach the beam line");
}

TEST_CASE("geometry: missing files are named") {
  const TempFolder folder;
  const Status no_modules = load_detector(folder.path()).status();
  CHECK(no_modules.code() == Code::not_found);
  CHECK(no_modules.message() == (folder / "detectors.csv") + ": no such file");
  folder.write("detectors.csv", kModules);
  CHECK(load_detector(folder.path()).status().message() == (folder / "geometry.toml") + ": no such file");
}

TEST_CASE("geometry: phase1 is what its maker says") {
  const Result<Detector> d = load_detector(kPhase1);
  REQUIRE(d.status().message() == "");
  CHECK(d->name == "phase1");
  CHECK(d->modules.size() == 1856);
  CHECK(d->field == 3.8f);
  REQUIRE(d->layers.size() == 10);
  const float radii[] = {29.f, 68.f, 109.f, 159.8f};
  for (int l = 0; l < 4; ++l) CHECK(d->layers[l].position == Approx(radii[l]).margin(0.6));
  CHECK(d->layers[4].position == Approx(291));
  CHECK(d->layers[9].position == Approx(-516));
  CHECK(d->pairs.size() >= 15);
  for (const Module& m : d->modules) CHECK(m.layer >= 0);
}

TEST_CASE("geometry: the second detector is read from its compressed file") {
  const Result<Detector> d = load_detector(kGeneric);
  REQUIRE(d.status().message() == "");
  CHECK(d->name == "generic-pixel");
  CHECK(d->modules.size() == 4004);
  CHECK(d->layers.size() == 18);
  CHECK(d->field == 2.f);
}

}  // namespace
}  // namespace helix
