#include "kernels/patatrack/overlaps.h"

#include "kernels/core/minmax.h"
#include "kernels/core/parallel.h"
#include "kernels/patatrack/window.h"

#include <cmath>

namespace helix::patatrack {
namespace {

constexpr float kMaxDepth = 10.f;   // mm: largest distance in r of overlapping modules
constexpr float kMaxLength = 30.f;  // mm: largest distance in z of the two hits of a flat track

struct OverlapWalk {
  SortedHits hits;
  DetectorView detector;
  float max_z0, distance;

  template <class Emit>
  HELIX_HD void operator()(Index i, const Emit& emit) const {
    const SortedHits& h = hits;
    const float r = h.r[i], z = h.z[i];
    const Turn phi = h.phi[i];
    const std::int32_t module = h.module[i];
    const float width = distance / larger(r, 1.f), reach = max_z0, slack = 0.3f * r;
    const float *hr = h.r.begin(), *hz = h.z.begin();
    const Turn* hphi = h.phi.begin();
    const std::int32_t* hmodule = h.module.begin();
    const auto margin = [=](Index k) {
      const float dr = hr[k] - r, dz = hz[k] - z;
      float m = width - std::fabs(turn_difference(hphi[k], phi));
      m = smaller(m, reach * std::fabs(dr) + slack - std::fabs(dz * r - dr * z));
      m = smaller(m, smaller(kMaxDepth - std::fabs(dr), kMaxLength - std::fabs(dz)));
      return hmodule[k] != module ? m : -1.f;
    };
    const auto n_layers = static_cast<Index>(detector.layers.size());
    visit_window(hits, h.event[i] * n_layers + h.layer[i], phi, width, margin, emit);
  }
};

}  // namespace

Overlaps find_overlaps(Exec& exec, const SortedHits& hits, const DetectorView& detector, const DoubletConfig& config) {
  exec.begin_stage("overlaps");
  const Ragged rows =
      gather_rows(exec, hits.n_hits(), OverlapWalk{hits, detector, config.max_z0, config.overlap_distance});
  return {rows.rows, rows.values};
}

}  // namespace helix::patatrack
