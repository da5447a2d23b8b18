#pragma once

#include "kernels/core/hd.h"
#include "kernels/core/ragged.h"
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

/// A set of slopes: a bit for each interval of cot theta of this width; slopes 64 intervals apart share one. Two words,
/// as loops over eight floats want eight words of 32 bits.
struct SlopeSet {
  std::uint32_t even, odd;  // halves of the turn of 64 intervals

  static constexpr float kPerUnit = 20.f;  // intervals in cot theta of 1

  static HELIX_HD SlopeSet of(float cot) {
    const auto interval = static_cast<std::int32_t>(std::floor(cot * kPerUnit));
    const std::uint32_t bit = std::uint32_t{1} << (static_cast<std::uint32_t>(interval) & 31u);
    const std::uint32_t is_odd = static_cast<std::uint32_t>(interval) >> 5 & 1u;
    return {bit & (is_odd - 1u), bit & (0u - is_odd)};  // without a branch: chance cannot be foreseen
  }
  /// All slopes within cot +- half_width, and some more. Without branches, for loops over many.
  static HELIX_HD SlopeSet around(float cot, float half_width) {
    const float low = std::floor((cot - half_width) * kPerUnit), high = std::floor((cot + half_width) * kPerUnit);
    const bool some = high - low < 31.f && std::fabs(low) < 1e9f;
    const std::int32_t first = static_cast<std::int32_t>(some ? low : 0.f);
    const std::int32_t more = static_cast<std::int32_t>(some ? high - low : 0.f);
    const std::uint32_t shift = static_cast<std::uint32_t>(first) & 31u;
    const std::uint32_t run = (std::uint32_t{2} << more) - 1;
    const std::uint32_t here = some ? run << shift : ~std::uint32_t{0};
    const std::uint32_t next = some ? run >> 1 >> (31u - shift) : ~std::uint32_t{0};
    const bool is_even = (first & 32) == 0;
    return {is_even ? here : next, is_even ? next : here};
  }

  HELIX_HD SlopeSet with(SlopeSet other) const { return {even | other.even, odd | other.odd}; }
  HELIX_HD bool meets(SlopeSet other) const { return ((even & other.even) | (odd & other.odd)) != 0; }
};

}  // namespace helix::patatrack
