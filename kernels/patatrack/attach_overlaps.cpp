#include "kernels/core/parallel.h"
#include "kernels/patatrack/fast_circle.h"
#include "kernels/patatrack/ntuplets.h"

#include <cmath>

namespace helix::patatrack {
namespace {

struct AttachWalk {
  SortedHits hits;
  Overlaps overlaps;
  Ntuplets tuples;
  float tolerance_xy, tolerance_rz;

  /// Whether `other` continues the trajectory at `hit` on the module next to it.
  HELIX_HD bool beside(const Perigee& circle, float cot, Index hit, Index other) const {
    const Perigee::Place a = circle.place(hits.x[hit], hits.y[hit]);
    const Perigee::Place b = circle.place(hits.x[other], hits.y[other]);
    const float across = (hits.z[other] - hits.z[hit] - cot * (b.arc - a.arc)) / std::sqrt(1.f + cot * cot);
    return std::fabs(b.offset - a.offset) <= tolerance_xy && std::fabs(across) <= tolerance_rz;
  }

  /// Whether any hit has others beside it that it is preferred to: without, there is nothing to measure.
  HELIX_HD bool any_other(Index begin, Index end) const {
    Index n = 0;
    for (Index k = begin; k < end; ++k) {
      const Index hit = tuples.hit[k];
      for (Index row = overlaps.rows.begin(hit); row < overlaps.rows.end(hit); ++row)
        n += preferred(hits, hit, overlaps.other[row]) ? 1 : 0;
    }
    return n > 0;
  }

  template <class Emit>
  HELIX_HD void operator()(Index t, const Emit& emit) const {
    const Index begin = tuples.rows.begin(t), end = tuples.rows.end(t);
    if (any_other(begin, end)) {
      emit_all(begin, end, emit);
      return;
    }
    for (Index k = begin; k < end; ++k) emit(tuples.hit[k]);
  }

  template <class Emit>
  HELIX_HD void emit_all(Index begin, Index end, const Emit& emit) const {
    const Index first = tuples.hit[begin], middle = tuples.hit[begin + (end - begin) / 2], last = tuples.hit[end - 1];
    const Perigee circle = perigee_of(
        circle_through(hits.x[first], hits.y[first], hits.x[middle], hits.y[middle], hits.x[last], hits.y[last]));
    const float length = circle.place(hits.x[last], hits.y[last]).arc - circle.place(hits.x[first], hits.y[first]).arc;
    const float cot = (hits.z[last] - hits.z[first]) / length;
    for (Index k = begin; k < end; ++k) {
      const Index hit = tuples.hit[k];
      emit(hit);
      Index taken = -1;  // one hit a module
      for (Index row = overlaps.rows.begin(hit); row < overlaps.rows.end(hit); ++row) {
        const Index other = overlaps.other[row];
        if (!preferred(hits, hit, other) || (taken >= 0 && hits.module[taken] == hits.module[other])) continue;
        if (!beside(circle, cot, hit, other)) continue;
        emit(other);
        taken = other;
      }
    }
  }
};

}  // namespace

TrackHits attach_overlaps(Exec& exec, const SortedHits& hits, const Overlaps& overlaps, const Ntuplets& tuples,
                          const DetectorView&, const NtupletConfig& config) {
  exec.begin_stage("attach");
  const Ragged rows =
      gather_rows(exec, tuples.n(), AttachWalk{hits, overlaps, tuples, config.overlap_xy, config.overlap_rz});
  return {rows.rows, rows.values};
}

}  // namespace helix::patatrack
