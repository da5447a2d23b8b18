// Networks opened by LibTorch; without it these tests say so and pass.
#include "kernels/exatrkx/networks.h"

#include "kernels/core/csv.h"
#include "kernels/core/file.h"
#include "kernels/exatrkx/engine.h"
#include "kernels/geometry/digest.h"
#include "test/support/exatrkx_reference.h"
#include "test/support/temp_folder.h"
#include "test/support/test_device.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>

namespace helix::exatrkx {
namespace {

const std::string kData = HELIX_SOURCE_DIR "/test/data/exatrkx";

bool absent() {
  if (!has_networks()) WARN("built without LibTorch: not tested");
  return !has_networks();
}

/// So many threads.
CpuExec& on(int threads) {
  static helix::test::TestDevice one(1), two(2);
  return threads == 1 ? one.exec() : two.exec();
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::fabs(double{a[i]} - double{b[i]}));
  return largest;
}

TEST_CASE("networks: the stored events come out of a whole model, stage by stage") {
  if (absent()) return;
  const Result<Model> model = load_model(kData + "/models/geometric-lrt");
  REQUIRE(model.status().message() == "");
  const auto networks = load_networks(*model);
  REQUIRE(networks.status().message() == "");
  for (const char* name : {"evt_021", "evt_026", "evt_034", "evt_077", "evt_085"}) {
    CAPTURE(name);
    const test::Reference stored = test::read_reference(kData + "/geometric/" + name);
    std::vector<float> embedding(stored.embedding.size()), filter(stored.filter_logit.size()),
        gnn(stored.gnn_logit.size());
    REQUIRE((*networks)->embed(on(1), stored.features, embedding).ok());
    CHECK(largest_difference(embedding, stored.embedding) < 1e-4);
    REQUIRE((*networks)->filter(on(2), stored.features, {stored.near_source, stored.near_target}, filter).ok());
    CHECK(largest_difference(filter, stored.filter_logit) < 1e-4);
    REQUIRE((*networks)->classify(on(2), stored.features, {stored.kept_source, stored.kept_target}, gnn).ok());
    CHECK(largest_difference(gnn, stored.gnn_logit) < 2e-3);

    test::Event event;
    event.append(stored, {1000.f, 3.14159265f, 1000.f});
    const auto result = make_exatrkx_engine(*model, *networks, {})->run(event.view());
    REQUIRE(result.status().message() == "");
    CHECK(result->counters[0].doublets == static_cast<Index>(stored.near_source.size()));
    CHECK(result->counters[0].cells == static_cast<Index>(stored.kept_source.size()));
    std::vector<Index> label(stored.component.size(), -1);
    for (Index t = 0; t < result->tracks.n_tracks(); ++t)
      for (Index k = result->tracks.hit_offsets[t]; k < result->tracks.hit_offsets[t + 1]; ++k)
        label[static_cast<std::size_t>(result->tracks.hit[k])] = t;
    CHECK(label == stored.component);
  }
}

TEST_CASE("networks: the published event's graph network") {
  if (absent()) return;
  const auto model = load_model(kData + "/models/geometric-lrt");
  REQUIRE(model.ok());
  const auto networks = load_networks(*model);
  REQUIRE(networks.ok());
  const test::Reference stored = test::read_reference(kData + "/lrt-event");
  std::vector<float> gnn(stored.gnn_logit.size());
  REQUIRE((*networks)->classify(on(1), stored.features, {stored.kept_source, stored.kept_target}, gnn).ok());
  CHECK(largest_difference(gnn, stored.gnn_logit) < 2e-3);
  const double cut = std::log(0.75 / 0.25);
  for (std::size_t k = 0; k < gnn.size(); ++k) CHECK((gnn[k] > cut) == (stored.gnn_logit[k] > cut));
}

/// A model of files of test/data, whose digests are as they are.
Model model_of(const std::string& embed, const std::string& filter, const std::string& gnn) {
  Model model = test::published_model();
  model.dimensions = 2;
  model.folder = kData + "/models";
  const auto file = [&](const std::string& name) { return NetworkFile{kData + "/models/" + name, ""}; };
  model.embed = file(embed), model.filter = file(filter), model.gnn = file(gnn);
  return model;
}

TEST_CASE("networks: the TrackML networks give their stored logits, each of its own features") {
  if (absent()) return;
  Model model = model_of("small/first_two.pt", "filter-trackml.pt", "gnn-trackml.pt");
  model.features.assign(12, HitFeature::x);
  model.scales.assign(12, 1.f);
  model.gnn_features = 3;
  const auto networks = load_networks(model);
  REQUIRE(networks.status().message() == "");
  std::vector<std::vector<float>> columns(12);
  std::vector<Index> source, target;
  std::vector<float> filter_logit, gnn_logit, features;
  CsvReader csv("reference file"), edges("reference file"), filter("reference file"), gnn("reference file");
  csv.need("r", &columns[0]).need("phi", &columns[1]).need("z", &columns[2]);
  for (std::size_t c = 3; c < columns.size(); ++c) csv.need("cell" + std::to_string(c - 3), &columns[c]);
  REQUIRE(csv.read(kData + "/trackml/features.csv").message() == "");
  REQUIRE(edges.need("src", &source).need("dst", &target).read(kData + "/trackml/edges.csv").message() == "");
  REQUIRE(filter.need("logit", &filter_logit).read(kData + "/trackml/filter_logits.csv").message() == "");
  REQUIRE(gnn.need("logit", &gnn_logit).read(kData + "/trackml/gnn_logits.csv").message() == "");
  for (std::size_t i = 0; i < columns[0].size(); ++i)
    for (const auto& column : columns) features.push_back(column[i]);
  std::vector<float> out(source.size());
  REQUIRE((*networks)->filter(on(1), features, {source, target}, out).message() == "");
  CHECK(largest_difference(out, filter_logit) < 1e-4);
  REQUIRE((*networks)->classify(on(1), features, {source, target}, out).message() == "");
  CHECK(largest_difference(out, gnn_logit) < 2e-3);
}

TEST_CASE("networks: torch_scatter's operators are there, others are named") {
  if (absent()) return;
  const auto networks = load_networks(model_of("small/first_two.pt", "small/distance.pt", "small/scatter_max.pt"));
  REQUIRE(networks.status().message() == "");
  // hits 0, 1, 2 with x = 5, -3, 1; edges 0 -> 2, 1 -> 2, 1 -> 0: the largest source of hit 2 is 5, of hit 0 is -3
  const std::vector<float> features{5, 0, 0, -3, 0, 0, 1, 0, 0};
  const std::vector<Index> source{0, 1, 1}, target{2, 2, 0};
  std::vector<float> out(3);
  REQUIRE((*networks)->classify(on(1), features, {source, target}, out).message() == "");
  CHECK(out == std::vector<float>{5, 5, -3});

  const auto unknown = load_networks(model_of("small/first_two.pt", "small/distance.pt", "small/unknown_operator.pt"));
  CHECK(unknown.status().code() == Code::invalid_argument);
  CHECK_THAT(unknown.status().message(),
             Catch::Contains("unknown_operator.pt: is no TorchScript that can be run here") &&
                 Catch::Contains("acme_scatter::scatter_max"));
}

TEST_CASE("networks: files that are no such network are refused by name") {
  if (absent()) return;
  const auto message = [](const Model& model) {
    const auto networks = load_networks(model);
    CHECK(networks.status().code() == Code::invalid_argument);
    return networks.status().message();
  };
  const std::string embed = "small/first_two.pt", filter = "small/distance.pt", gnn = "small/distance.pt";
  CHECK_THAT(message(model_of(embed, "small/not_torchscript.pt", gnn)),
             Catch::Contains("not_torchscript.pt: is no TorchScript"));
  CHECK_THAT(message(model_of(embed, filter, "small/one_too_many.pt")),
             Catch::Contains("one_too_many.pt: answers with shape [2049], not [2048]"));
  CHECK_THAT(message(model_of(embed, filter, "small/doubles.pt")), Catch::Contains("does not answer with float32"));
  Model wide = model_of(embed, filter, gnn);
  wide.dimensions = 3;
  CHECK_THAT(message(wide), Catch::Contains("first_two.pt: answers with shape [512, 2], not [512, 3]"));
  CHECK_THAT(message(model_of(filter, filter, gnn)), Catch::Contains("distance.pt: "));  // an argument is missing

  const TempFolder folder;
  const Result<std::string> whole = read_file(kData + "/models/" + embed);
  REQUIRE(whole.ok());
  folder.write("cut.pt", whole->substr(0, whole->size() / 2));
  Model cut = model_of(embed, filter, gnn);
  cut.embed.path = folder / "cut.pt";
  CHECK_THAT(message(cut), Catch::Contains("cut.pt: is no TorchScript"));
}

const std::string kToml = R"(name = "small"
[features]
names = ["r", "phi"]
scales = [1000, 3.14]
[graph]
dimensions = 2
radius = 0.1
max_neighbours = 10
order = "inside_out"
[filter]
cut = 0.5
[gnn]
cut = 0.5
[tracks]
min_hits = 3
[digests]
)";

void write_model(const TempFolder& folder, const std::string& toml) {
  std::string digests;
  for (const auto& [to, from] :
       {std::pair{"embed", "first_two.pt"}, {"filter", "distance.pt"}, {"gnn", "distance.pt"}}) {
    const Result<std::string> bytes = read_file(kData + "/models/small/" + from);
    REQUIRE(bytes.ok());
    folder.write(std::string(to) + ".pt", *bytes);
    digests += std::string(to) + " = \"" + sha256(*bytes) + "\"\n";
  }
  folder.write("model.toml", toml + digests);
}

TEST_CASE("model: a folder is read") {
  const TempFolder folder;
  write_model(folder, kToml);
  const auto model = load_model(folder.path());
  REQUIRE(model.status().message() == "");
  CHECK(model->name == "small");
  CHECK(model->features == std::vector{HitFeature::r, HitFeature::phi});
  CHECK(model->direction == Direction::inside_out);
  CHECK(model->scales == std::vector{1000.f, 3.14f});
  CHECK_FALSE(model->walk);
  if (has_networks()) CHECK(load_networks(*model).status().message() == "");
}

TEST_CASE("model: what is wrong in a folder is named") {
  const auto [old, by, wanted] = GENERATE(table<std::string, std::string, std::string>({
      {"\"phi\"", "\"cell_count\"", "model.toml:3: features.names: \"cell_count\" is none of x, y, z, r, phi"},
      {"[1000, 3.14]", "[1000]", "model.toml:4: features.scales: 1 numbers for 2 features"},
      {"[1000, 3.14]", "[1000, 0]", "features.scales: number 2 is not a number within"},
      {"dimensions = 2", "dimensions = 17", "model.toml:6: graph.dimensions: 17 is not within 2 .. 16"},
      {"\"inside_out\"", "\"up\"", "graph.order: \"up\" is none of inside_out, larger_first, smaller_first"},
      {"cut = 0.5", "cut = 2", "filter.cut: 2 is not within 0 .. 1"},
      {"min_hits = 3", "min_hits = 3\nmax_hits = 9", "tracks.max_hits: unknown key"},
      {"[filter]\ncut = 0.5\n", "", "filter: missing key"},
      {"name = \"small\"\n", "", "name: missing key"},
  }));
  std::string toml = kToml;
  toml.replace(toml.find(old), old.size(), by);
  const TempFolder folder;
  write_model(folder, toml);
  const auto model = load_model(folder.path());
  CHECK(model.status().code() == Code::invalid_argument);
  CHECK_THAT(model.status().message(), Catch::Contains(wanted));
}

TEST_CASE("model: a missing or changed file is named") {
  const TempFolder folder;
  write_model(folder, kToml);
  folder.write("gnn.pt", "something else");
  CHECK_THAT(load_model(folder.path()).status().message(), Catch::Contains("gnn.pt: its SHA-256 is "));
  std::filesystem::remove(folder / "gnn.pt");
  CHECK(load_model(folder.path()).status().message() == (folder / "gnn.pt") + ": no such file");
  CHECK(load_model("/nowhere").status().message() == "/nowhere/model.toml: no such file");
}

}  // namespace
}  // namespace helix::exatrkx
