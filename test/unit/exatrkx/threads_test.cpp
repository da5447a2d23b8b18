// What threads and batches do to the whole pipeline with LibTorch; without it these tests say so and pass.
#include "kernels/exatrkx/engine.h"
#include "test/support/exatrkx_reference.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <thread>

namespace helix::exatrkx {
namespace {

const std::string kData = HELIX_SOURCE_DIR "/test/data/exatrkx";
constexpr float kScales[3] = {1000.f, 3.14159265f, 1000.f};

bool absent() {
  if (!has_networks()) WARN("built without LibTorch: not tested");
  return !has_networks();
}

/// Engines of the published model.
class Engines {
 public:
  std::unique_ptr<Engine> make(int threads) const {
    EngineOptions options;
    options.threads = threads;
    return make_exatrkx_engine(model_, networks_, options);
  }

 private:
  template <class T>
  static T take(Result<T> result) {
    REQUIRE(result.status().message() == "");
    return *std::move(result);
  }

  Model model_ = take(load_model(kData + "/models/geometric-lrt"));
  std::shared_ptr<const Networks> networks_ = take(load_networks(model_));
};

test::Event event_of(std::initializer_list<const char*> names) {
  test::Event event;
  for (const char* name : names) event.append(test::read_reference(kData + "/geometric/" + name), kScales);
  return event;
}

BatchResult run(Engine& engine, const test::Event& event) {
  Result<BatchResult> result = engine.run(event.view());
  REQUIRE(result.status().message() == "");
  return *std::move(result);
}

/// Tracks as sets of hits of the batch.
std::vector<std::vector<Index>> tracks_of(const BatchResult& result, const std::vector<Index>& offsets) {
  std::vector<std::vector<Index>> tracks;
  for (std::size_t e = 0; e + 1 < offsets.size(); ++e)
    for (Index t = result.tracks.event_offsets[e]; t < result.tracks.event_offsets[e + 1]; ++t) {
      auto& hits = tracks.emplace_back(result.tracks.hit.begin() + result.tracks.hit_offsets[t],
                                       result.tracks.hit.begin() + result.tracks.hit_offsets[t + 1]);
      for (Index& hit : hits) hit += offsets[e];
    }
  return tracks;
}

std::size_t threads_now() {
  const std::filesystem::directory_iterator tasks("/proc/self/task"), end;
  return static_cast<std::size_t>(std::distance(tasks, end));
}

TEST_CASE("exatrkx: two runs of one batch with as many threads give the same bits") {
  if (absent()) return;
  const Engines engines;
  const int threads = GENERATE(1, 3);
  const auto engine = engines.make(threads), other = engines.make(threads);
  const test::Event event = event_of({"evt_026", "evt_085"});
  const BatchResult first = run(*engine, event);
  for (const BatchResult& again : {run(*engine, event), run(*other, event)}) {
    CHECK(again.tracks.hit == first.tracks.hit);
    CHECK(again.tracks.score == first.tracks.score);  // sums of logits
    CHECK(again.tracks.phi == first.tracks.phi);
  }
}

TEST_CASE("exatrkx: labels do not depend on what else is in the batch, nor on threads, and scores hardly") {
  if (absent()) return;
  const Engines engines;
  const test::Event batch = event_of({"evt_021", "evt_026", "evt_034", "evt_077", "evt_085"});
  std::vector<std::vector<Index>> expected;
  std::vector<float> score;
  const auto alone = engines.make(1);
  Index first = 0;
  for (const char* name : {"evt_021", "evt_026", "evt_034", "evt_077", "evt_085"}) {
    const test::Event event = event_of({name});
    const BatchResult result = run(*alone, event);
    for (auto& hits : tracks_of(result, event.offsets)) {
      for (Index& hit : hits) hit += first;
      expected.push_back(hits);
    }
    score.insert(score.end(), result.tracks.score.begin(), result.tracks.score.end());
    first += event.offsets.back();
  }
  for (const int threads : {1, 2, 5}) {
    CAPTURE(threads);
    const BatchResult result = run(*engines.make(threads), batch);
    CHECK(tracks_of(result, batch.offsets) == expected);
    REQUIRE(result.tracks.score.size() == score.size());
    for (std::size_t t = 0; t < score.size(); ++t) CHECK(result.tracks.score[t] == Approx(score[t]).margin(1e-3));
  }
}

TEST_CASE("exatrkx: each lane takes as many threads as it is told, whatever the others are") {
  if (absent()) return;
  const Engines engines;
  const test::Event event = event_of({"evt_021", "evt_026", "evt_034", "evt_077", "evt_085"});
  std::size_t before = 0, with_one = 0, with_three = 0, with_one_again = 0;
  std::jthread([&] {
    before = threads_now();
    const auto one = engines.make(1);
    for (int i = 0; i < 3; ++i) run(*one, event);
    with_one = threads_now();
    std::jthread([&] {
      const auto three = engines.make(3);
      for (int i = 0; i < 3; ++i) run(*three, event);
      with_three = threads_now() - 1;  // not this one
    }).join();
    run(*one, event);
    with_one_again = threads_now();
  }).join();
  CHECK(with_one <= before);            // those of other tests may end
  CHECK(with_three <= before + 4);      // two of oneTBB, two of OpenMP
  CHECK(with_one_again <= with_three);  // none for a lane of one thread
}

}  // namespace
}  // namespace helix::exatrkx
