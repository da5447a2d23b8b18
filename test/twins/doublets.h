#pragma once

// All pairs of hits, in double precision, with the cuts written as their comments say. Slow and obvious.
#include "kernels/event/hits.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/config.h"
#include "test/twins/verdict.h"

#include <map>
#include <utility>
#include <vector>

namespace helix::twins {

/// A hit around its event's beam line.
struct Hit {
  double x, y, z, r, phi;   // mm, rad
  double cot_min, cot_max;  // |cot theta| that its cluster size allows
  std::int32_t layer, module;
  Index event;
};

/// [hits] of the batch, in its order.
std::vector<Hit> hits_of(const HitBatch& batch, const Detector& detector, bool use_sizes);

/// Rows (inner, outer) of the batch.
using Pair = std::pair<Index, Index>;

/// All doublets that are found for sure or may be.
std::map<Pair, Verdict> all_doublets(const std::vector<Hit>& hits, const Detector& detector,
                                     const patatrack::DoubletConfig& config);

/// Hits on overlapping modules, and what they replace.
class Fishbone {
 public:
  Fishbone(const std::vector<Hit>& hits, const patatrack::DoubletConfig& config);
  /// Whether one of a doublet's hits has a neighbour nearer to the beam line that stands in line for it.
  Verdict shadowed(Index inner, Index outer) const;

 private:
  Verdict overlap(const Hit& a, const Hit& b) const;
  Verdict in_line(const Hit& a, const Hit& b, const Hit& c) const;
  Verdict replaced(Index a, Index b) const;
  const Hit& hit(Index i) const { return hits_[static_cast<std::size_t>(i)]; }

  const std::vector<Hit>& hits_;
  const patatrack::DoubletConfig& config_;
  std::vector<std::vector<std::pair<Index, Verdict>>> beside_;  // [hits] on overlapping modules
};

}  // namespace helix::twins
