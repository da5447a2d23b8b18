#pragma once

// Numbers that one body works on side by side. On the CPU eight, in a vector register: a chain of divisions is waited
// for once, not eight times. On the GPU one, as its threads are the lanes. A lane's result does not depend on the
// others.
#ifdef __AVX__
#include <immintrin.h>
#endif
#include "kernels/core/hd.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace helix {

HELIX_HD float root(float x) { return std::sqrt(x); }
HELIX_HD float absolute(float x) { return std::fabs(x); }
HELIX_HD float choose(bool condition, float yes, float no) { return condition ? yes : no; }
HELIX_HD bool any(bool condition) { return condition; }
/// a * b + c, rounded once: said, not left to the compiler, so that it is the same bits everywhere.
HELIX_HD float fused(float a, float b, float c) { return std::fma(a, b, c); }

#ifdef __CUDACC__

constexpr int kLanes = 1;
using Lanes = float;
using LaneBits = std::uint32_t;
using LaneMask = bool;

HELIX_HD Lanes load_lanes(const float* at) { return *at; }
HELIX_HD void store_lanes(float* at, Lanes x) { *at = x; }
HELIX_HD LaneBits bits_of_lanes(Lanes x) { return __builtin_bit_cast(LaneBits, x); }
HELIX_HD Lanes lanes_of_bits(LaneBits x) { return __builtin_bit_cast(Lanes, x); }
HELIX_HD Lanes lanes_of_integers(LaneBits x) { return static_cast<float>(static_cast<std::int32_t>(x)); }
HELIX_HD unsigned set_lanes(LaneMask condition) { return condition ? 1 : 0; }
HELIX_HD float& lane(Lanes& x, int) { return x; }
HELIX_HD std::uint32_t& lane(LaneBits& x, int) { return x; }

#else

constexpr int kLanes = 8;
using Lanes = float __attribute__((vector_size(32)));
using LaneBits = std::uint32_t __attribute__((vector_size(32)));
using LaneMask = std::int32_t __attribute__((vector_size(32)));

HELIX_HD Lanes root(Lanes x) {
  Lanes out;
  for (int i = 0; i < kLanes; ++i) out[i] = std::sqrt(x[i]);
  return out;
}
HELIX_HD Lanes absolute(Lanes x) { return x < 0.f ? -x : x; }
HELIX_HD Lanes choose(LaneMask condition, Lanes yes, Lanes no) { return condition ? yes : no; }
HELIX_HD Lanes fused(Lanes a, Lanes b, Lanes c) {
#ifdef __FMA__
  return _mm256_fmadd_ps(a, b, c);
#else
  for (int i = 0; i < kLanes; ++i) c[i] = std::fma(a[i], b[i], c[i]);
  return c;
#endif
}
/// A bit for each lane.
HELIX_HD unsigned set_lanes(LaneMask condition) {
#ifdef __AVX__
  return static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<__m256>(condition)));
#else
  unsigned bits = 0;
  for (int i = 0; i < kLanes; ++i) bits |= (condition[i] != 0 ? 1u : 0u) << i;
  return bits;
#endif
}
HELIX_HD bool any(LaneMask condition) { return set_lanes(condition) != 0; }

/// Eight numbers side by side in memory, wherever they begin.
HELIX_HD Lanes load_lanes(const float* at) {
  Lanes x;
  __builtin_memcpy(&x, at, sizeof x);
  return x;
}
HELIX_HD void store_lanes(float* at, Lanes x) { __builtin_memcpy(at, &x, sizeof x); }
HELIX_HD LaneBits bits_of_lanes(Lanes x) { return reinterpret_cast<LaneBits>(x); }
HELIX_HD Lanes lanes_of_bits(LaneBits x) { return reinterpret_cast<Lanes>(x); }
HELIX_HD Lanes lanes_of_integers(LaneBits x) { return __builtin_convertvector(reinterpret_cast<LaneMask>(x), Lanes); }

/// One lane, to write: the vector seen as an array.
HELIX_HD float& lane(Lanes& x, int i) { return reinterpret_cast<float*>(&x)[i]; }
HELIX_HD std::uint32_t& lane(LaneBits& x, int i) { return reinterpret_cast<std::uint32_t*>(&x)[i]; }

#endif

/// visit(i) for each lane i whose bit is set.
template <class Visit>
HELIX_HD void visit_lanes(unsigned set, const Visit& visit) {
#ifdef __CUDACC__
  if (set != 0) visit(0);
#else
  for (; set != 0; set &= set - 1) visit(std::countr_zero(set));
#endif
}

/// The same number in all lanes.
HELIX_HD Lanes lanes_of(float x) { return Lanes{} + x; }

/// value(i) in lane i.
template <class Value>
HELIX_HD Lanes make_lanes(const Value& value) {
  Lanes out{};
  for (int i = 0; i < kLanes; ++i) lane(out, i) = value(i);
  return out;
}

}  // namespace helix
