#pragma once

#ifdef __AVX2__
#include <immintrin.h>
#endif
#include "kernels/core/ragged.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace helix {

/// Numbers of the bits that are set in the index, from the lowest, a byte each.
inline constexpr auto kSetBits = [] {
  std::array<std::uint64_t, 256> rows{};
  for (unsigned mask = 0; mask < 256; ++mask) {
    unsigned shift = 0;
    for (std::uint64_t bit = 0; bit < 8; ++bit)
      if ((mask >> bit & 1) != 0) rows[mask] |= bit << shift, shift += 8;
  }
  return rows;
}();

/// What the walks of gather_rows emit on the CPU, end to end. Keeps its memory when cleared.
class RowBuffer {
 public:
  void clear() { at_ = store_.data(); }
  std::size_t size() const { return static_cast<std::size_t>(at_ - store_.data()); }
  const Index* begin() const { return store_.data(); }
  const Index* end() const { return at_; }

  void append(Index value) {
    if (at_ == end_) grow();
    *at_++ = value;
  }

  /// first + k for each bit k of mask, of eight: without a branch, as the bits cannot be foreseen.
  void append_matching(Index first, unsigned mask) {
#ifdef __AVX2__
    append_eight(_mm256_add_epi32(places(mask), _mm256_set1_epi32(first)), mask);
#else
    for (; mask != 0; mask &= mask - 1) append(first + std::countr_zero(mask));
#endif
  }

  /// The bits of numbers[k] for each bit k of mask, of eight.
  void append_packed(const float* numbers, unsigned mask) {
#ifdef __AVX2__
    append_eight(_mm256_castps_si256(_mm256_permutevar8x32_ps(_mm256_loadu_ps(numbers), places(mask))), mask);
#else
    for (; mask != 0; mask &= mask - 1) append(std::bit_cast<Index>(numbers[std::countr_zero(mask)]));
#endif
  }

 private:
  static constexpr std::size_t kFirst = 1024;

#ifdef __AVX2__
  static __m256i places(unsigned mask) {
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<std::int64_t>(kSetBits[mask])));
  }
  void append_eight(__m256i values, unsigned mask) {
    if (end_ - at_ < 8) grow();
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at_), values);
    at_ += std::popcount(mask);
  }
#endif

  void grow() {
    const std::size_t n = size();
    store_.resize(store_.empty() ? kFirst : 2 * store_.size());
    at_ = store_.data() + n;
    end_ = store_.data() + store_.size();
  }

  std::vector<Index> store_;
  Index *at_ = nullptr, *end_ = nullptr;
};

/// What a walk is given to emit with: a buffer for indices, and N behind it for the numbers that go with them.
template <int N>
struct RowEmitter {
  RowBuffer* row;
  void operator()(Index value) const { row->append(value); }
  void matching(Index first, unsigned mask) const { row->append_matching(first, mask); }
  void matching(Index first, unsigned mask, const float (&numbers)[N > 0 ? N : 1][8]) const {
    row->append_matching(first, mask);
    for (int c = 0; c < N; ++c) row[1 + c].append_packed(numbers[c], mask);
  }
};

}  // namespace helix
