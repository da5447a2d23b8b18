#include "kernels/event/validate.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <functional>
#include <limits>

namespace helix {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

/// Three events with 2, 0 and 3 hits, all well.
struct Batch {
  std::vector<float> x{1, 2, 3, 4, 5}, y = x, z = x, var_u = x, var_v = x, size_u = x, size_v = x;
  std::vector<std::uint32_t> module{0, 1, 2, 3, 4};
  std::vector<Index> offsets{0, 2, 2, 5};
  std::vector<BeamSpot> spots{3};
  HitLimits limits{.max_events = 3, .max_hits = 5, .max_hits_per_event = 3};

  Status check() const {
    const HitBatch hits{x, y, z, module, var_u, var_v, size_u, size_v, {offsets}, spots};
    return validate(hits, 5, limits);
  }
};

TEST_CASE("validate: good batches pass") {
  Batch b;
  CHECK(b.check().message() == "");
  b.var_u.clear(), b.var_v.clear(), b.size_u.clear(), b.size_v.clear();
  CHECK(b.check().message() == "");
  Batch empty;
  for (auto* column : {&empty.x, &empty.y, &empty.z, &empty.var_u, &empty.var_v, &empty.size_u, &empty.size_v})
    column->clear();
  empty.module.clear();
  empty.offsets = {0, 0};
  empty.spots.resize(1);
  CHECK(empty.check().message() == "");
}

TEST_CASE("validate: values at the edges pass") {
  Batch b;
  b.x[0] = -10000.f;
  b.z[4] = 10000.f;
  b.size_u[1] = 0;
  b.spots[2].y = -10000.f;
  CHECK(b.check().message() == "");
}

TEST_CASE("validate: of many values the first that is wrong is found, wherever it is") {
  const std::size_t n = GENERATE(1, 63, 64, 65, 200);
  const std::vector<float> good(n, 1);
  const std::vector<std::uint32_t> module(n, 0);
  const std::vector<Index> offsets{0, static_cast<Index>(n)};
  const std::vector<BeamSpot> spots(1);
  const HitLimits limits{.max_events = 1, .max_hits = 1000, .max_hits_per_event = 1000};
  for (std::size_t bad = 0; bad < n; ++bad) {
    std::vector<float> y = good;
    y[bad] = kNan;
    if (bad + 7 < n) y[bad + 7] = kInf;
    std::vector<std::uint32_t> far = module;
    far[bad] = 5;
    const HitBatch wrong_y{good, y, good, module, {}, {}, {}, {}, {offsets}, spots};
    CHECK(validate(wrong_y, 5, limits).message() == "hits.y[" + std::to_string(bad) + "] is NaN (event 0)");
    const HitBatch wrong_module{good, good, good, far, {}, {}, {}, {}, {offsets}, spots};
    CHECK(validate(wrong_module, 5, limits).message() ==
          "hits.module[" + std::to_string(bad) + "] is 5, the geometry has 5 modules (event 0)");
  }
}

struct Case {
  std::function<void(Batch&)> spoil;
  std::string message;
};

TEST_CASE("validate: the first thing wrong is named with index and value") {
  const Case c = GENERATE(values<Case>({
      {[](Batch& b) { b.y.pop_back(); }, "hits.y has 4 entries, hits.x has 5"},
      {[](Batch& b) { b.z.push_back(0); }, "hits.z has 6 entries, hits.x has 5"},
      {[](Batch& b) { b.module.clear(); }, "hits.module has 0 entries, hits.x has 5"},
      {[](Batch& b) { b.var_u.pop_back(); }, "hits.var_u has 4 entries, hits.x has 5"},
      {[](Batch& b) { b.var_v.pop_back(); }, "hits.var_v has 4 entries, hits.x has 5"},
      {[](Batch& b) { b.size_u.pop_back(); }, "hits.size_u has 4 entries, hits.x has 5"},
      {[](Batch& b) { b.size_v.pop_back(); }, "hits.size_v has 4 entries, hits.x has 5"},
      {[](Batch& b) { b.var_v.clear(); }, "hits.var_u and hits.var_v: one of them is missing"},
      {[](Batch& b) { b.offsets = {}; }, "no events: event_offsets needs 2 entries or more"},
      {[](Batch& b) { b.offsets = {0}; }, "no events: event_offsets needs 2 entries or more"},
      {[](Batch& b) { b.offsets[0] = 1; }, "event_offsets[0] is 1, not 0"},
      {[](Batch& b) { b.offsets[2] = 1; }, "event_offsets[2] is 1, less than the one before, 2"},
      {[](Batch& b) { b.offsets[3] = 4; }, "event_offsets[3] is 4, but there are 5 hits"},
      {[](Batch& b) { b.offsets[3] = 6; }, "event_offsets[3] is 6, but there are 5 hits"},
      {[](Batch& b) { b.spots.pop_back(); }, "beam_spot has 2 entries for 3 events"},
      {[](Batch& b) { b.spots[1].z = kNan; }, "beam_spot[1].z is NaN, not within +-10000 mm"},
      {[](Batch& b) { b.spots[0].x = 10001; }, "beam_spot[0].x is 10001, not within +-10000 mm"},
      {[](Batch& b) { b.z[3] = kNan; }, "hits.z[3] is NaN (event 2)"},
      {[](Batch& b) { b.x[1] = -kInf; }, "hits.x[1] is -infinite (event 0)"},
      {[](Batch& b) { b.y[4] = 10001; }, "hits.y[4] is 10001, not within +-10000 mm (event 2)"},
      {[](Batch& b) { b.var_u[2] = 0; }, "hits.var_u[2] is 0, not above 0 and up to 1e6 mm^2 (event 2)"},
      {[](Batch& b) { b.var_v[0] = -1; }, "hits.var_v[0] is -1, not above 0 and up to 1e6 mm^2 (event 0)"},
      {[](Batch& b) { b.var_v[0] = kInf; }, "hits.var_v[0] is infinite (event 0)"},
      {[](Batch& b) { b.size_u[0] = -0.5f; }, "hits.size_u[0] is -0.5, not within 0 .. 1e6 (event 0)"},
      {[](Batch& b) { b.size_v[2] = kNan; }, "hits.size_v[2] is NaN (event 2)"},
      {[](Batch& b) { b.module[4] = 5; }, "hits.module[4] is 5, the geometry has 5 modules (event 2)"},
      {[](Batch& b) { b.module[1] = 4000000000u; },
       "hits.module[1] is 4,000,000,000, the geometry has 5 modules (event 0)"},
  }));
  Batch batch;
  c.spoil(batch);
  const Status status = batch.check();
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message() == c.message);
}

TEST_CASE("validate: limits are named with what was asked for") {
  const Case c = GENERATE(values<Case>({
      {[](Batch& b) { b.limits.max_events = 2; }, "3 events, limit 2"},
      {[](Batch& b) { b.limits.max_hits = 4; }, "5 hits, limit 4"},
      {[](Batch& b) { b.limits.max_hits_per_event = 2; }, "event 2 has 3 hits, limit 2"},
  }));
  Batch batch;
  c.spoil(batch);
  const Status status = batch.check();
  CHECK(status.code() == Code::resource_exhausted);
  CHECK(status.message() == c.message);
}

TEST_CASE("validate: large numbers are grouped by thousands") {
  std::vector<float> many(1'200'000, 1.f);
  std::vector<std::uint32_t> module(many.size());
  const std::vector<Index> offsets{0, 0, static_cast<Index>(many.size())};
  const std::vector<BeamSpot> spots(2);
  const HitBatch hits{many, many, many, module, {}, {}, {}, {}, {offsets}, spots};
  CHECK(validate(hits, 1, {.max_hits_per_event = 1'000'000}).message() ==
        "event 1 has 1,200,000 hits, limit 1,000,000");
  CHECK(validate(hits, 1, {.max_hits = 1'199'999}).message() == "1,200,000 hits, limit 1,199,999");
  CHECK(validate(hits, 1, {}).ok());
}

}  // namespace
}  // namespace helix
