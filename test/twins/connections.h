#pragma once

// Pairs of doublets that share a hit, in double precision, with the circle of school geometry.
#include "test/twins/doublets.h"

namespace helix::twins {

/// Circle through three points that are not on a line.
struct SchoolCircle {
  double x, y, radius;  // mm, of the centre
  int turn;             // +1 left, -1 right on the way through the points
};
SchoolCircle circle_through(double x1, double y1, double x2, double y2, double x3, double y3);

/// Three hits, inner to outer.
struct Triplet {
  Index inner, middle, outer;
  auto operator<=>(const Triplet&) const = default;
};

/// All connections of these doublets that are found for sure or may be; a doublet with a shadowed hit has none.
std::map<Triplet, Verdict> all_connections(const std::vector<Hit>& hits, const std::vector<Pair>& doublets,
                                           const Detector& detector, const patatrack::Config& config);

/// Whether a triplet passes near enough to the beam line to be a path of its own.
Verdict stands_alone(const std::vector<Hit>& hits, const Triplet& triplet, const Detector& detector,
                     const patatrack::Config& config);

}  // namespace helix::twins
