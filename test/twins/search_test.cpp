// The twins of the search, on cases made by hand.
#include "test/twins/connections.h"
#include "test/twins/ntuplets.h"

#include <catch2/catch.hpp>

namespace helix::twins {
namespace {

TEST_CASE("twins: the circle of radius 5 around (1, 2)") {
  const SchoolCircle left = circle_through(6, 2, 1, 7, -4, 2), right = circle_through(-4, 2, 1, 7, 6, 2);
  CHECK(left.x == Approx(1));
  CHECK(left.y == Approx(2));
  CHECK(left.radius == Approx(5));
  CHECK(left.turn == 1);
  CHECK(right.radius == Approx(5));
  CHECK(right.turn == -1);
}

TEST_CASE("twins: maximal paths of a fork, a break in curvature and a lone triplet") {
  // hits 1-2-3-4 with a fork to 5 behind 3, and 3-4-6 that bends elsewhere; doublets: 0: 12, 1: 23, 2: 34, 3: 35, 4: 46
  const std::vector<Edge> edges{
      {0, 1, {1, 2, 3}, 1e-3f}, {1, 2, {2, 3, 4}, 1e-3f}, {1, 3, {2, 3, 5}, 1.1e-3f}, {2, 4, {3, 4, 6}, -2e-3f}};
  patatrack::NtupletConfig config;
  config.triplets = true;
  CHECK(all_paths(edges, config) == std::vector<std::vector<Index>>{{1, 2, 3, 4}, {1, 2, 3, 5}, {3, 4, 6}});
  std::vector<Edge> far = edges;
  far[0].alone = far[3].alone = false;  // a triplet must come from the beam line, longer paths need not
  CHECK(all_paths(far, config) == std::vector<std::vector<Index>>{{1, 2, 3, 4}, {1, 2, 3, 5}});
  config.triplets = false;
  CHECK(all_paths(edges, config) == std::vector<std::vector<Index>>{{1, 2, 3, 4}, {1, 2, 3, 5}});
}

TEST_CASE("twins: verdicts near a cut are borderline") {
  Slack slack;
  slack.cut(0.5, 1);
  CHECK(slack.verdict(1e-4) == Verdict::yes);
  slack.cut(1e-5, 1);
  CHECK(slack.verdict(1e-4) == Verdict::borderline);
  slack.cut(-1, 10);
  CHECK(slack.verdict(1e-4) == Verdict::no);
  CHECK(both(Verdict::yes, Verdict::borderline) == Verdict::borderline);
  CHECK(either(Verdict::no, Verdict::borderline) == Verdict::borderline);
  CHECK(opposite(Verdict::no) == Verdict::yes);
}

}  // namespace
}  // namespace helix::twins
