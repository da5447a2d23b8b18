#include "kernels/core/comma_list.h"

#include <catch2/catch.hpp>

using namespace helix;
using Entries = std::vector<std::string_view>;

TEST_CASE("comma_list: what stands between commas, without the blanks around it") {
  CHECK(comma_list("a") == Entries{"a"});
  CHECK(comma_list(" a b ,c") == Entries{"a b", "c"});
  CHECK(comma_list("a,,b,") == Entries{"a", "", "b", ""});
  CHECK(comma_list("") == Entries{""});
  CHECK(comma_list("  ,  ") == Entries{"", ""});
}
