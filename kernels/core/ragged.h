#pragma once

#include "kernels/core/hd.h"

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace helix {

/// Row number of anything in a batch: events, hits, doublets and edges of one batch are checked to fit.
using Index = std::int32_t;

/// A view of n values, usable on host and device. Trivially copyable; does not own.
template <class T>
class Span {
 public:
  constexpr Span() = default;  // defaulted: for host and device by itself
  HELIX_HD constexpr Span(T* first, std::size_t n) : first_(first), size_(n) {}
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T>>>
  HELIX_HD constexpr Span(Span<U> other) : first_(other.begin()), size_(other.size()) {}  // NOLINT
  Span(std::vector<std::remove_const_t<T>>& v) : first_(v.data()), size_(v.size()) {}     // NOLINT
  template <class U = T, class = std::enable_if_t<std::is_const_v<U>>>
  Span(const std::vector<std::remove_const_t<T>>& v) : first_(v.data()), size_(v.size()) {}  // NOLINT

  HELIX_HD constexpr T& operator[](std::size_t i) const { return first_[i]; }
  HELIX_HD constexpr T* begin() const { return first_; }
  HELIX_HD constexpr T* end() const { return first_ + size_; }
  HELIX_HD constexpr std::size_t size() const { return size_; }
  HELIX_HD constexpr bool empty() const { return size_ == 0; }
  HELIX_HD constexpr Span subspan(std::size_t at, std::size_t n) const { return {first_ + at, n}; }

 private:
  T* first_ = nullptr;
  std::size_t size_ = 0;
};

/// Bounds of variable-length rows laid end to end: row r is begin(r) .. end(r). rows + 1 entries, non-decreasing.
struct Offsets {
  Span<const Index> at;  // [rows + 1]

  HELIX_HD Index rows() const { return at.empty() ? 0 : static_cast<Index>(at.size()) - 1; }
  HELIX_HD Index begin(Index row) const { return at[row]; }
  HELIX_HD Index end(Index row) const { return at[row + 1]; }
  HELIX_HD Index size(Index row) const { return at[row + 1] - at[row]; }
  /// Where the total stands; on a CUDA backend this is device memory: read it with Exec::sync_read.
  HELIX_HD const Index* total() const { return at.end() - 1; }
};

/// Rows of indices.
struct Ragged {
  Offsets rows;
  Span<const Index> values;
};

/// Rows of indices, each with two numbers.
struct DescribedRows : Ragged {
  Span<const float> column[2];  // [values]
};

/// What decides whether an index is emitted (margin >= 0), and the numbers that go with it.
struct Described {
  float margin;
  float column[2];
};

}  // namespace helix
