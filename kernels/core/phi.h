#pragma once

#include "kernels/core/hd.h"

#include <cmath>
#include <cstdint>

namespace helix {

/// Azimuth as a 32-bit fraction of a turn: differences wrap around by themselves.
using Turn = std::int32_t;

inline constexpr float kRadianOfTurn = 1.4629180792671596e-9f;  // 2 pi / 2^32
inline constexpr float kTurnOfRadian = 683565275.5764316f;      // 2^32 / 2 pi

/// Signed difference a - b in radians, within (-pi, pi].
HELIX_HD float turn_difference(Turn a, Turn b) {
  return static_cast<float>(static_cast<Turn>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b))) *
         kRadianOfTurn;
}

/// Azimuth of (x, y) to 2e-7 of a turn: an odd polynomial on the octant, the same on every backend; vectorises.
/// Minimax coefficients of atan(t)/t in t^2 on [0, 1]: Abramowitz and Stegun 4.4.49.
HELIX_HD Turn turn_of(float x, float y) {
  const float ax = x < 0 ? -x : x;
  const float ay = y < 0 ? -y : y;
  const float larger = ax > ay ? ax : ay;
  const float smaller = ax > ay ? ay : ax;
  const float t = smaller / (larger > 1e-30f ? larger : 1e-30f);
  const float s = t * t;
  float angle = 0.0028662257f;
  angle = angle * s - 0.0161657367f;
  angle = angle * s + 0.0429096138f;
  angle = angle * s - 0.0752896400f;
  angle = angle * s + 0.1065626393f;
  angle = angle * s - 0.1420889944f;
  angle = angle * s + 0.1999355085f;
  angle = angle * s - 0.3333314528f;
  angle = t + t * s * angle;
  angle = ay > ax ? 1.5707963268f - angle : angle;
  angle = x < 0 ? 3.1415926536f - angle : angle;
  // 2^31 itself does not fit: the largest angle is a hair below half a turn
  const float turn = angle * kTurnOfRadian;
  const float inside = turn < 2147483520.f ? turn : 2147483520.f;
  const Turn magnitude = static_cast<Turn>(inside);
  return y < 0 ? -magnitude : magnitude;
}

}  // namespace helix
