#pragma once

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>

#include "kernels/core/exec_cpu.h"
#include "kernels/core/hd.h"

namespace helix {

/// Fewer elements than this are not worth a second thread.
inline constexpr Index kGrain = 256;

template <class Body>
void for_each(CpuExec& exec, Index n, const Body& body) {
  if (exec.threads() == 1 || n < 2 * kGrain) {
    for (Index i = 0; i < n; ++i) body(i);
    return;
  }
  tbb::parallel_for(tbb::blocked_range<Index>(0, n, kGrain), [&](const tbb::blocked_range<Index>& range) {
    for (Index i = range.begin(); i < range.end(); ++i) body(i);
  });
}

template <class T>
void fill(CpuExec&, Span<T> span, T value) {
  std::fill(span.begin(), span.end(), value);
}

inline Offsets exclusive_scan(CpuExec& exec, Span<const Index> counts) {
  auto at = exec.scratch<Index>(static_cast<Index>(counts.size()) + 1);
  Index sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    at[i] = sum;
    sum += counts[i];
  }
  at[counts.size()] = sum;
  return {at};
}

/// LSD radix sort, eleven bits at a time.
inline void sort_by_key(CpuExec& exec, Span<std::uint64_t> keys, Span<Index> values, int bits) {
  constexpr int kDigit = 11;
  const auto n = static_cast<Index>(keys.size());
  auto other_keys = exec.scratch<std::uint64_t>(n);
  auto other_values = exec.scratch<Index>(n);
  auto* from_key = keys.begin();
  auto* from_value = values.begin();
  auto* to_key = other_keys.begin();
  auto* to_value = other_values.begin();
  for (int shift = 0; shift < bits; shift += kDigit) {
    Index count[1 << kDigit] = {};
    for (Index i = 0; i < n; ++i) ++count[(from_key[i] >> shift) & ((1u << kDigit) - 1)];
    Index sum = 0;
    for (Index& c : count) sum += std::exchange(c, sum);
    for (Index i = 0; i < n; ++i) {
      const Index to = count[(from_key[i] >> shift) & ((1u << kDigit) - 1)]++;
      to_key[to] = from_key[i];
      to_value[to] = from_value[i];
    }
    std::swap(from_key, to_key);
    std::swap(from_value, to_value);
  }
  if (from_key != keys.begin()) {
    std::copy(from_key, from_key + n, keys.begin());
    std::copy(from_value, from_value + n, values.begin());
  }
}

template <class Predicate>
Span<Index> select(CpuExec& exec, Index n, const Predicate& predicate) {
  auto out = exec.scratch<Index>(n);
  Index count = 0;
  for (Index i = 0; i < n; ++i)
    if (predicate(i)) out[count++] = i;
  return out.subspan(0, count);
}

template <class T>
void atomic_max(T* at, T value) {
  std::atomic_ref<T> ref(*at);
  T seen = ref.load(std::memory_order_relaxed);
  while (seen < value && !ref.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

template <class Predicate, class Visit>
HELIX_HD void visit_matching(Index first, Index last, const Predicate& predicate, const Visit& visit) {
  constexpr Index kBlock = 32;
  for (; first + kBlock <= last; first += kBlock) {
    std::uint8_t match[kBlock];
    for (Index k = 0; k < kBlock; ++k) match[k] = predicate(first + k);
    std::uint32_t mask = 0;
    for (Index k = 0; k < kBlock; ++k) mask |= std::uint32_t{match[k]} << k;
    for (; mask != 0; mask &= mask - 1) visit(first + std::countr_zero(mask));
  }
  for (; first < last; ++first)
    if (predicate(first)) visit(first);
}

}  // namespace helix
