#pragma once

// Functions of Lanes, by polynomials: without branches, the same bits on every backend.
#include "kernels/core/lanes.h"

#include <initializer_list>

namespace helix {

/// Natural logarithm of normal positive numbers, to 2 units in the last place of larger ones and 1e-7 near 1.
/// Coefficients: S. Moshier's Cephes library, logf.
HELIX_HD Lanes logarithm(Lanes x) {
  // x = 2^k m, m within a factor sqrt(2) of 1: the offset is the bits of sqrt(1/2)
  const LaneBits offset = bits_of_lanes(x) - 0x3f3504f3u;
  const Lanes k = lanes_of_integers((offset & 0xff800000u)) * (1.f / 8388608.f);
  const Lanes z = lanes_of_bits((offset & 0x007fffffu) + 0x3f3504f3u) - 1.f;
  Lanes p = lanes_of(7.0376836292e-2f);
  for (const float c : {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                        2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f})
    p = fused(p, z, lanes_of(c));
  const Lanes z2 = z * z, low = fused(k, lanes_of(-2.12194440e-4f), z2 * z * p);
  return fused(k, lanes_of(0.693359375f), z + fused(z2, lanes_of(-0.5f), low));
}

/// e to the x, to 2 units in the last place; beyond +-87 that of 87. Coefficients: Cephes, expf.
HELIX_HD Lanes exponential(Lanes x) {
  x = choose(x > 87.f, lanes_of(87.f), choose(x < -87.f, lanes_of(-87.f), x));
  // 1.5 * 2^23 has no bits for a fraction: what is added is rounded to an integer, which stands in the lowest bits
  const Lanes rounded = fused(x, lanes_of(1.44269504f), lanes_of(12582912.f)), k = rounded - 12582912.f;
  const Lanes r = fused(k, lanes_of(2.12194440e-4f), fused(k, lanes_of(-0.693359375f), x));
  Lanes p = lanes_of(1.9875691500e-4f);
  for (const float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = fused(p, r, lanes_of(c));
  return (fused(r * r, p, r) + 1.f) * lanes_of_bits((bits_of_lanes(rounded) << 23) + 0x3f800000u);
}

/// Inverse hyperbolic sine, |x| < 1e18, to 2e-7 and 2 units in the last place.
HELIX_HD Lanes inverse_sinh(Lanes x) {
  const Lanes size = absolute(x), y = logarithm(size + root(fused(size, size, lanes_of(1.f))));
  return choose(x < 0.f, -y, y);
}

/// Angle of (x, y) in (-pi, pi], to 2e-7; of (0, 0) 0. Coefficients: Abramowitz and Stegun 4.4.49.
HELIX_HD Lanes angle_of(Lanes y, Lanes x) {
  const Lanes ax = absolute(x), ay = absolute(y);
  const Lanes longer = choose(ax > ay, ax, ay), shorter = choose(ax > ay, ay, ax);
  const Lanes t = shorter / choose(longer > 1e-30f, longer, lanes_of(1e-30f)), s = t * t;
  Lanes p = lanes_of(0.0028662257f);
  for (const float c :
       {-0.0161657367f, 0.0429096138f, -0.0752896400f, 0.1065626393f, -0.1420889944f, 0.1999355085f, -0.3333314528f})
    p = fused(p, s, lanes_of(c));
  Lanes angle = fused(t * s, p, t);
  angle = choose(ay > ax, 1.5707963268f - angle, angle);
  angle = choose(x < 0.f, 3.1415926536f - angle, angle);
  return choose(y < 0.f, -angle, angle);
}

}  // namespace helix
