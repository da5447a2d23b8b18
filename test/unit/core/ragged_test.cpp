#include "kernels/core/ragged.h"

#include <catch2/catch.hpp>

namespace helix {
namespace {

TEST_CASE("offsets bound rows, empty ones too") {
  const std::vector<Index> at{0, 3, 3, 10};
  const Offsets offsets{at};
  CHECK(offsets.rows() == 3);
  CHECK(offsets.begin(0) == 0);
  CHECK(offsets.end(0) == 3);
  CHECK(offsets.size(1) == 0);
  CHECK(offsets.size(2) == 7);
  CHECK(*offsets.total() == 10);
}

TEST_CASE("offsets without entries have no rows") {
  CHECK(Offsets{}.rows() == 0);
  const std::vector<Index> none{0};
  CHECK(Offsets{none}.rows() == 0);
}

TEST_CASE("a span views what it was made of") {
  std::vector<int> values{1, 2, 3, 4};
  const Span<int> span(values);
  span[2] = 7;
  CHECK(values[2] == 7);
  const Span<const int> read = span;
  CHECK(read.begin() == values.data());
  CHECK(read.size() == 4);
  CHECK(read.subspan(1, 2).size() == 2);
  CHECK(read.subspan(1, 2)[1] == 7);
  CHECK(Span<int>().empty());
}

}  // namespace
}  // namespace helix
