#pragma once

#ifdef __AVX2__
#include <immintrin.h>
#endif
#include "kernels/core/ragged.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
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

/// What the walks of gather_rows emit on the CPU, end to end: indices, and beside them columns of numbers, as their
/// bits. Keeps its memory when cleared.
class RowBuffer {
 public:
  void clear(std::size_t n_columns) {
    n_columns_ = n_columns;
    capacity_ = store_.size() / n_columns;
    at_ = store_.data();
    end_ = at_ + capacity_;
  }
  std::size_t size() const { return static_cast<std::size_t>(at_ - store_.data()); }
  const Index* column(std::size_t c) const { return store_.data() + c * capacity_; }

  void append(Index value) {
    if (at_ == end_) grow();
    *at_++ = value;
  }

  /// first + k for each bit k of mask, of eight, and numbers[..][k] beside it: without a branch, as the bits cannot be
  /// foreseen.
  template <class... Numbers>
  [[gnu::always_inline]] inline void append_matching(Index first, unsigned mask, const Numbers&... numbers) {
    if (end_ - at_ < 8) grow();
    Index* to = at_;
#ifdef __AVX2__
    const __m256i places = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<std::int64_t>(kSetBits[mask])));
    const auto store = [&](__m256i values) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), values); };
    store(_mm256_add_epi32(places, _mm256_set1_epi32(first)));
    ((to += capacity_, store(_mm256_castps_si256(_mm256_permutevar8x32_ps(_mm256_load_ps(numbers), places)))), ...);
    at_ += std::popcount(mask);
#else
    for (; mask != 0; mask &= mask - 1, to = ++at_) {
      const int k = std::countr_zero(mask);
      *to = first + k;
      ((*(to += capacity_) = std::bit_cast<Index>(numbers[k])), ...);
    }
#endif
  }

 private:
  static constexpr std::size_t kFirst = 1024;

  [[gnu::noinline]] void grow() {  // out of the way of loops that rarely need it
    const std::size_t n = size(), capacity = capacity_ == 0 ? kFirst : 2 * capacity_;
    std::vector<Index> larger(n_columns_ * capacity);
    for (std::size_t c = 0; c < n_columns_; ++c)
      std::copy_n(column(c), n, larger.begin() + static_cast<std::ptrdiff_t>(c * capacity));
    store_ = std::move(larger);
    capacity_ = capacity;
    at_ = store_.data() + n;
    end_ = store_.data() + capacity;
  }

  std::vector<Index> store_;  // [columns * capacity]
  std::size_t n_columns_ = 1, capacity_ = 0;
  Index *at_ = nullptr, *end_ = nullptr;  // of the first column
};

/// What a walk is given to emit with.
struct RowEmitter {
  RowBuffer* row;
  void operator()(Index value) const { row->append(value); }
  template <class... Numbers>
  [[gnu::always_inline]] void matching(Index first, unsigned mask, const Numbers&... numbers) const {
    row->append_matching(first, mask, numbers...);
  }
};

}  // namespace helix
