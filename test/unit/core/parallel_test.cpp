// The primitives against loops that cannot be wrong. One text for both backends.
#include "kernels/core/parallel.h"

#include "test/support/test_device.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

namespace helix {
namespace {

using test::TestDevice;

// 0 and 1; around a warp and a block of for_each (128); around the grain that a second CPU thread needs (2 * 256); and
// more than one tile of CUB's
const std::vector<Index> kSizes{0, 1, 31, 32, 33, 127, 128, 129, 511, 512, 513, 20'011};

std::vector<Index> random_values(Index n, Index below, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Index> values(static_cast<std::size_t>(n));
  for (Index& value : values) value = static_cast<Index>(random() % static_cast<unsigned>(below));
  return values;
}

struct Square {
  Span<const Index> in;
  Span<Index> out;
  HELIX_HD void operator()(Index i) const { out[i] = in[i] * in[i] + i; }
};

struct IsMultiple {
  Span<const Index> value;
  Index of;
  HELIX_HD bool operator()(Index i) const { return value[i] % of == 0; }
};

struct MaxOfRow {
  Span<const Index> value;
  Span<Index> largest;  // [rows]
  Index rows;
  HELIX_HD void operator()(Index i) const { atomic_max(&largest[i % rows], value[i]); }
};

struct SumOfRow {
  Span<const Index> value;
  Span<Index> sum;  // [rows]
  Index rows;
  HELIX_HD void operator()(Index i) const { atomic_add(&sum[i % rows], value[i]); }
};

struct MaxKey {
  Span<const std::uint64_t> value;
  std::uint64_t* largest;
  HELIX_HD void operator()(Index i) const { atomic_max(largest, value[i]); }
};

/// Row r visits first .. last of its window where the value is even, and writes them down in order.
struct VisitEven {
  Span<const Index> value;
  Offsets windows;
  Span<Index> seen;   // [windows.total()]
  Span<Index> count;  // [rows]
  HELIX_HD void operator()(Index row) const {
    Index at = windows.begin(row);
    const auto even = [&](Index k) { return value[k] % 2 == 0 ? 0.f : -1.f; };
    visit_matching(windows.begin(row), windows.end(row), even, [&](Index k) { seen[at++] = k; });
    count[row] = at - windows.begin(row);
  }
};

/// Row i holds value[i] entries.
struct EmitMany {
  Span<const Index> value;
  template <class Emit>
  HELIX_HD void operator()(Index i, const Emit& emit) const {
    for (Index k = 0; k < value[i]; ++k) emit(100 * i + k);
  }
};

TEST_CASE("for_each runs the body once for each index") {
  const Index n = GENERATE(from_range(kSizes));
  const int threads = GENERATE(1, 2);
  CAPTURE(n, threads);
  TestDevice device(threads);
  const auto in = random_values(n, 1000, 1);
  const auto out = device.exec().scratch<Index>(n);
  for_each(device.exec(), n, Square{device.upload(in), out});
  std::vector<Index> expected(in.size());
  for (Index i = 0; i < n; ++i) expected[i] = in[i] * in[i] + i;
  CHECK(device.download(out) == expected);
}

TEST_CASE("fill writes every element") {
  const Index n = GENERATE(from_range(kSizes));
  TestDevice device;
  const auto values = device.upload(std::vector<float>(static_cast<std::size_t>(n) + 1, -1.f));
  fill(device.exec(), values.subspan(0, static_cast<std::size_t>(n)), 2.5f);
  std::vector<float> expected(static_cast<std::size_t>(n) + 1, 2.5f);
  expected.back() = -1.f;
  CHECK(device.download(values) == expected);
}

TEST_CASE("exclusive_scan gives the bounds of rows and their total") {
  const Index n = GENERATE(from_range(kSizes));
  CAPTURE(n);
  TestDevice device;
  const auto counts = random_values(n, 7, 2);
  std::vector<Index> expected{0};
  for (const Index count : counts) expected.push_back(expected.back() + count);
  const Offsets offsets = exclusive_scan(device.exec(), device.upload(counts));
  CHECK(device.download(offsets) == expected);
  CHECK(device.exec().sync_read(offsets.total()) == expected.back());
}

TEST_CASE("row_of_each names the row of each value, whatever rows are empty") {
  const Index n = GENERATE(from_range(kSizes));
  const Index most = GENERATE(1, 2, 5);
  CAPTURE(n, most);
  TestDevice device;
  const auto sizes = random_values(n, most, 7);
  std::vector<Index> bounds{0}, expected;
  for (Index row = 0; row < n; ++row) {
    bounds.push_back(bounds.back() + sizes[row]);
    expected.insert(expected.end(), static_cast<std::size_t>(sizes[row]), row);
  }
  const Offsets rows{device.upload(bounds)};
  CHECK(device.download(row_of_each(device.exec(), rows, bounds.back())) == expected);
}

/// n rows, those for which row / run % 2 is `side` with up to four values.
struct OneSide {
  std::vector<Index> bounds{0}, values;
  std::vector<float> column[2];

  OneSide(Index n, Index run, Index side, unsigned seed) {
    const auto sizes = random_values(n, 5, seed);
    for (Index row = 0; row < n; ++row) {
      for (Index k = 0; row / run % 2 == side && k < sizes[row]; ++k) {
        values.push_back(1000 * row + k);
        for (float c : {0.f, 1.f}) column[static_cast<int>(c)].push_back(static_cast<float>(values.size()) + 0.5f * c);
      }
      bounds.push_back(static_cast<Index>(values.size()));
    }
  }
  DescribedRows upload(TestDevice& device) const {
    return {{{device.upload(bounds)}, device.upload(values)}, {device.upload(column[0]), device.upload(column[1])}};
  }
};

TEST_CASE("join_rows puts the rows of both sides into one table, with what describes them") {
  const Index n = GENERATE(from_range(kSizes));
  const Index run = GENERATE(1, 3, 100);
  CAPTURE(n, run);
  TestDevice device;
  const OneSide sides[2] = {{n, run, 0, 8}, {n, run, 1, 9}};
  std::vector<Index> bounds{0}, values;
  std::vector<float> column[2];
  for (Index row = 0; row < n; ++row) {
    const OneSide& from = sides[row / run % 2];
    for (Index at = from.bounds[row]; at < from.bounds[row + 1]; ++at) {
      values.push_back(from.values[at]);
      for (int c = 0; c < 2; ++c) column[c].push_back(from.column[c][at]);
    }
    bounds.push_back(static_cast<Index>(values.size()));
  }
  const DescribedRows joined = join_rows(device.exec(), sides[0].upload(device), sides[1].upload(device));
  CHECK(device.download(joined.rows) == bounds);
  CHECK(device.download(joined.values) == values);
  for (int c = 0; c < 2; ++c) CHECK(device.download(joined.column[c]) == column[c]);
}

TEST_CASE("sort_by_key is stable and looks at the low bits alone") {
  const Index n = GENERATE(from_range(kSizes));
  const int bits = GENERATE(0, 1, 11, 12, 22, 50, 64);
  const bool alike = GENERATE(false, true);  // in the highest digits, by which the CPU sorts long keys first
  CAPTURE(n, bits, alike);
  const std::uint64_t mask = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> keys(static_cast<std::size_t>(n));
  for (auto& key : keys) key = random();
  if (alike && bits > 22)
    for (auto& key : keys) key &= ~(std::uint64_t{0x3fffff} << (bits - 22));
  if (n > 40)
    for (Index i = 0; i < n; i += 3) keys[i] = keys[i / 40 * 40];  // ties
  std::vector<Index> order(keys.size());
  std::iota(order.begin(), order.end(), 0);

  TestDevice device;
  const auto sorted = device.upload(keys);
  const auto values = device.upload(order);
  sort_by_key(device.exec(), sorted, values, bits);

  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return (keys[a] & mask) < (keys[b] & mask); });
  std::vector<std::uint64_t> expected;
  for (const Index i : order) expected.push_back(keys[i]);
  CHECK(device.download(values) == order);
  CHECK(device.download(sorted) == expected);
}

TEST_CASE("select keeps the matching indices in order") {
  const Index n = GENERATE(from_range(kSizes));
  const Index of = GENERATE(1, 3, 1'000'000);
  CAPTURE(n, of);
  TestDevice device;
  auto values = random_values(n, 1000, 4);
  for (Index& value : values) ++value;  // none is a multiple of a million
  std::vector<Index> expected;
  for (Index i = 0; i < n; ++i)
    if (values[i] % of == 0) expected.push_back(i);
  CHECK(device.download(select(device.exec(), n, IsMultiple{device.upload(values), of})) == expected);
}

TEST_CASE("atomic_max finds the largest of each row from all threads") {
  const Index n = 20'011, rows = 5;
  const int threads = GENERATE(1, 2);
  TestDevice device(threads);
  const auto values = random_values(n, 1'000'000, 5);
  std::vector<Index> expected(rows, -1);
  for (Index i = 0; i < n; ++i) expected[i % rows] = std::max(expected[i % rows], values[i]);
  const auto largest = device.upload(std::vector<Index>(rows, -1));
  for_each(device.exec(), n, MaxOfRow{device.upload(values), largest, rows});
  CHECK(device.download(largest) == expected);
}

TEST_CASE("atomic_add adds up each row from all threads, also what is negative") {
  const Index n = 20'011, rows = 5;
  const int threads = GENERATE(1, 2);
  TestDevice device(threads);
  auto values = random_values(n, 1000, 8);
  for (Index& value : values) value -= 700;
  std::vector<Index> expected(rows, 3);
  for (Index i = 0; i < n; ++i) expected[i % rows] += values[i];
  const auto sum = device.upload(std::vector<Index>(rows, 3));
  for_each(device.exec(), n, SumOfRow{device.upload(values), sum, rows});
  CHECK(device.download(sum) == expected);
}

TEST_CASE("atomic_max compares 64 bits") {
  const std::vector<std::uint64_t> values{1, std::uint64_t{1} << 63, (std::uint64_t{1} << 63) + 1, 0xffffffff};
  TestDevice device;
  const auto largest = device.upload(std::vector<std::uint64_t>{0});
  for_each(device.exec(), 4, MaxKey{device.upload(values), largest.begin()});
  CHECK(device.exec().sync_read(largest.begin()) == values[2]);
}

TEST_CASE("visit_matching visits in order, whatever the window's length") {
  // windows of all lengths around the CPU's blocks of 32
  std::vector<Index> bounds{0};
  for (Index length = 0; length < 100; ++length) bounds.push_back(bounds.back() + length);
  const auto values = random_values(bounds.back(), 10, 6);
  const auto rows = static_cast<Index>(bounds.size()) - 1;
  TestDevice device;
  const auto seen = device.upload(std::vector<Index>(values.size(), -1));
  const auto count = device.exec().scratch<Index>(rows);
  for_each(device.exec(), rows, VisitEven{device.upload(values), Offsets{device.upload(bounds)}, seen, count});

  std::vector<Index> expected(values.size(), -1), expected_count;
  for (Index row = 0; row < rows; ++row) {
    Index at = bounds[row];
    for (Index k = bounds[row]; k < bounds[row + 1]; ++k)
      if (values[k] % 2 == 0) expected[at++] = k;
    expected_count.push_back(at - bounds[row]);
  }
  CHECK(device.download(seen) == expected);
  CHECK(device.download(count) == expected_count);
}

TEST_CASE("gather_rows lays rows end to end, in order") {
  const Index n = GENERATE(from_range(kSizes));
  const int threads = GENERATE(1, 2);
  CAPTURE(n, threads);
  TestDevice device(threads);
  const auto values = random_values(n, 6, 7);
  std::vector<Index> bounds{0}, expected;
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < values[i]; ++k) expected.push_back(100 * i + k);
    bounds.push_back(static_cast<Index>(expected.size()));
  }
  for (int again = 0; again < 2; ++again) {  // buffers of the first call must not show in the second
    const Ragged rows = gather_rows(device.exec(), n, EmitMany{device.upload(values)});
    CHECK(device.download(rows.rows) == bounds);
    CHECK(device.download(rows.values) == expected);
  }
}

TEST_CASE("scratch beyond the budget is a named error, and the exec works on") {
  TestDevice device(1, std::size_t{2} << 20);
  device.exec().begin_stage("doublets");
  CHECK_THROWS_WITH(device.exec().scratch<double>(1'000'000),
                    Catch::StartsWith("stage doublets needs 8000") && Catch::EndsWith("the memory budget is 2097152"));
  const auto values = device.exec().scratch<Index>(100);
  fill(device.exec(), values, Index{7});
  CHECK(device.download(values) == std::vector<Index>(100, 7));
}

}  // namespace
}  // namespace helix
