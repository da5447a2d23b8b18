// The pipeline against stored stages of published events, and against itself.
#include "kernels/exatrkx/pipeline.h"

#include "kernels/exatrkx/engine.h"
#include "test/support/exatrkx_reference.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace helix::exatrkx {
namespace {

using test::Event;
using test::Reference;
using test::StoredNetworks;

const std::string kData = HELIX_SOURCE_DIR "/test/data/exatrkx";
constexpr float kLrtScales[3] = {3000.f, 3.14159265f, 400.f};

/// [hits] of all events; -1: none.
std::vector<Index> labels_of(const BatchResult& result, const std::vector<Index>& offsets) {
  std::vector<Index> label(static_cast<std::size_t>(offsets.back()), -1);
  for (std::size_t e = 0; e + 1 < offsets.size(); ++e)
    for (Index t = result.tracks.event_offsets[e]; t < result.tracks.event_offsets[e + 1]; ++t)
      for (Index k = result.tracks.hit_offsets[t]; k < result.tracks.hit_offsets[t + 1]; ++k)
        label[static_cast<std::size_t>(offsets[e] + result.tracks.hit[k])] = t - result.tracks.event_offsets[e];
  return label;
}

Result<BatchResult> run(const Event& event, const Model& model, std::shared_ptr<const Networks> networks,
                        int threads = 1, std::size_t budget = std::size_t{1} << 30) {
  EngineOptions options;
  options.threads = threads;
  options.memory_budget = budget;
  return make_exatrkx_engine(model, std::move(networks), options)->run(event.view());
}

TEST_CASE("exatrkx: the published event goes from its embedding to its components") {
  const Reference stored = test::read_reference(kData + "/lrt-event");
  Event event;
  event.append(stored, kLrtScales);
  const auto result = run(event, test::published_model(), std::make_shared<StoredNetworks>(std::vector{stored}));
  REQUIRE(result.status().message() == "");
  CHECK(result->counters[0].doublets == 2334);
  CHECK(result->counters[0].cells == 584);
  CHECK(labels_of(*result, event.offsets) == stored.component);
  CHECK(result->tracks.n_tracks() == 37);
}

TEST_CASE("exatrkx: components of fewer than min_hits hits are no tracks") {
  const Reference stored = test::read_reference(kData + "/lrt-event");
  Event event;
  event.append(stored, kLrtScales);
  Model model = test::published_model();
  model.min_hits = 2;
  const auto result = run(event, model, std::make_shared<StoredNetworks>(std::vector{stored}));
  REQUIRE(result.ok());
  CHECK(result->tracks.n_tracks() == 32);  // five hits stand alone
  const auto label = labels_of(*result, event.offsets);
  CHECK(std::count(label.begin(), label.end(), -1) == 5);
}

TEST_CASE("exatrkx: an event's answer does not depend on its batch, nor on threads") {
  std::vector<Reference> stored;
  for (const char* name : {"evt_085", "evt_026", "evt_077"})
    stored.push_back(test::read_reference(kData + "/geometric/" + name));
  constexpr float scales[3] = {1000.f, 3.14159265f, 1000.f};
  Event all;
  std::vector<Index> expected;
  for (const Reference& reference : stored) {
    all.append(reference, scales);
    all.offsets.push_back(all.offsets.back());  // an event without hits between them
    all.spots.emplace_back();
    Event one;
    one.append(reference, scales);
    const auto alone = run(one, test::published_model(), std::make_shared<StoredNetworks>(std::vector{reference}));
    REQUIRE(alone.ok());
    const auto label = labels_of(*alone, one.offsets);
    CHECK(label == reference.component);
    expected.insert(expected.end(), label.begin(), label.end());
  }
  const int threads = GENERATE(1, 2);
  const auto together = run(all, test::published_model(), std::make_shared<StoredNetworks>(stored), threads);
  REQUIRE(together.status().message() == "");
  CHECK(labels_of(*together, all.offsets) == expected);
  CHECK(together->counters.size() == 6);
}

TEST_CASE("exatrkx: no hits, and one hit, are ordinary events") {
  Event event;
  event.offsets = {0, 0, 1};
  event.x = {30}, event.y = {0}, event.z = {0};
  event.spots.resize(2);
  Reference one;
  one.embedding.assign(8, 0.f);
  one.component = {0};
  const auto result = run(event, test::published_model(), std::make_shared<StoredNetworks>(std::vector{one}));
  REQUIRE(result.ok());
  CHECK(result->tracks.n_tracks() == 1);  // min_hits is 1
  CHECK(result->tracks.ndof[0] == 0);
  CHECK(result->tracks.event_offsets == std::vector<Index>{0, 0, 1});
}

/// Networks that say what they cost.
class CostlyNetworks : public StoredNetworks {
 public:
  using StoredNetworks::StoredNetworks;
  NetworkCost embed_cost() const override { return embed; }
  NetworkCost filter_cost() const override { return filter_; }
  NetworkCost gnn_cost() const override { return gnn; }
  NetworkCost embed, filter_, gnn;
};

TEST_CASE("exatrkx: a network over the memory budget is refused by name, the edge filter goes on in pieces") {
  const Reference stored = test::read_reference(kData + "/lrt-event");
  Event event;
  event.append(stored, kLrtScales);
  constexpr std::size_t kBudget = std::size_t{64} << 20;
  const auto costly = [&](NetworkCost embed, NetworkCost filter, NetworkCost gnn) {
    auto networks = std::make_shared<CostlyNetworks>(std::vector{stored});
    networks->embed = embed, networks->filter_ = filter, networks->gnn = gnn;
    return run(event, test::published_model(), networks, 1, kBudget);
  };
  const auto embed = costly({1e6, 0}, {}, {}), gnn = costly({}, {}, {0, 1e6}), filter = costly({}, {0, 1e5}, {});
  CHECK(embed.status().code() == Code::resource_exhausted);
  CHECK_THAT(embed.status().message(), Catch::StartsWith("stage embed needs about 314000000 bytes"));
  CHECK(gnn.status().code() == Code::resource_exhausted);
  CHECK_THAT(gnn.status().message(), Catch::StartsWith("stage gnn needs about 584000000 bytes"));
  CHECK(filter.status().code() == Code::resource_exhausted);
  CHECK_THAT(filter.status().message(), Catch::StartsWith("stage filter needs about"));
  CHECK(costly({}, {0, 5e3}, {}).ok());
}

}  // namespace
}  // namespace helix::exatrkx
