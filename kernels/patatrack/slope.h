#pragma once

#include "kernels/core/hd.h"
#include "kernels/geometry/detector.h"

#include <cmath>
#include <cstdint>

namespace helix::patatrack {

inline constexpr float kHighland = 0.0136f;  // GeV: width of multiple scattering, Review of Particle Physics

/// Squared angle of scattering in a layer at normal incidence, times pt^2: GeV^2.
HELIX_HD float scattering_of(const Layer& layer) { return kHighland * kHighland * layer.x0; }

/// Variance of the change of cot theta over 1/pt^2: theta0 / sin^2(theta); p = pt / sin(theta), path ~ 1 / sin(theta).
HELIX_HD float slope_scatter(float scattering, float cot) {
  const float t = 1.f + cot * cot;
  return scattering * t * std::sqrt(t);
}

/// A set of slopes: a bit for each interval of cot theta of this width; slopes 64 intervals apart share one.
struct SlopeSet {
  std::uint64_t bits;

  static constexpr float kPerUnit = 20.f;  // intervals in cot theta of 1

  static HELIX_HD SlopeSet of(float cot) {
    const auto interval = static_cast<std::int32_t>(std::floor(cot * kPerUnit));
    return {std::uint64_t{1} << (static_cast<std::uint32_t>(interval) & 63u)};
  }
  /// All slopes within cot +- half_width, and some more.
  static HELIX_HD SlopeSet around(float cot, float half_width) {
    const float low = std::floor((cot - half_width) * kPerUnit), high = std::floor((cot + half_width) * kPerUnit);
    if (!(high - low < 63.f)) return {~std::uint64_t{0}};
    const std::uint64_t run = (std::uint64_t{2} << static_cast<std::uint32_t>(high - low)) - 1;
    const std::uint32_t shift = static_cast<std::uint32_t>(static_cast<std::int32_t>(low)) & 63u;
    return {run << shift | run >> ((64u - shift) & 63u)};
  }
};

}  // namespace helix::patatrack
