#pragma once

#ifdef __AVX__
#include <immintrin.h>
#endif
#include "kernels/core/exec_cpu.h"
#include "kernels/core/hd.h"
#include "kernels/core/tasks.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

namespace helix {

/// Fewer elements than this are not worth a second thread.
inline constexpr Index kGrain = 256;

/// Whether the bodies that run now run on one thread: what is atomic among several need not be so.
inline thread_local bool alone = false;

template <class Body>
void for_each(CpuExec& exec, Index n, const Body& body) {
  const auto run = [&body](Index first, Index last) {
    const Body own = body;
#pragma GCC ivdep
    for (Index i = first; i < last; ++i) own(i);
  };
  if (exec.threads() == 1 || n < 2 * kGrain) {
    alone = true;
    run(0, n);
    alone = false;
    return;
  }
  run_tasks((n + kGrain - 1) / kGrain, [&](Index grain) { run(grain * kGrain, std::min(n, (grain + 1) * kGrain)); });
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

inline Span<Index> row_of_each(CpuExec& exec, Offsets rows, Index n) {
  auto row = exec.scratch<Index>(n);
  std::fill(row.begin(), row.end(), 0);
  Index* const row_at = row.begin();  // kReadAhead leaves room for empty rows at the end
  for (Index r = 0; r < rows.rows(); ++r) row_at[rows.begin(r)] = r;  // of those that begin here the last has values
  Index current = 0;
  for (Index& r : row) current = r = std::max(current, r);
  return row;
}

inline constexpr int kSortDigit = 11;  // bits

/// Sorts by the bits of keys from `low` up to `high`: from the lowest digit up, each a stable counting sort.
inline void radix_sort(CpuExec& exec, Span<std::uint64_t> keys, Span<Index> values, int low, int high) {
  const auto n = static_cast<Index>(keys.size());
  auto other_keys = exec.scratch<std::uint64_t>(n);
  auto other_values = exec.scratch<Index>(n);
  auto* from_key = keys.begin();
  auto* from_value = values.begin();
  auto* to_key = other_keys.begin();
  auto* to_value = other_values.begin();
  for (int shift = low; shift < high; shift += kSortDigit) {
    const std::uint64_t mask = (1u << std::min(kSortDigit, high - shift)) - 1;
    Index count[1 << kSortDigit] = {};
    for (Index i = 0; i < n; ++i) ++count[(from_key[i] >> shift) & mask];
    Index sum = 0;
    for (Index& c : count) sum += std::exchange(c, sum);
    for (Index i = 0; i < n; ++i) {
      const Index to = count[(from_key[i] >> shift) & mask]++;
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

/// Sorts what is nearly sorted, by insertion. Returns false, with all still there and equal keys in their order, once
/// that takes too long.
inline bool insertion_sort(Span<std::uint64_t> keys, Span<Index> values, int bits) {
  const auto n = static_cast<Index>(keys.size());
  const auto above = [unused = 64 - bits](std::uint64_t a, std::uint64_t b) { return a << unused > b << unused; };
  Index moves = 0;
  for (Index i = 1; i < n && moves <= n; ++i) {
    const std::uint64_t key = keys[i];
    const Index value = values[i];
    Index to = i;
    for (; to > 0 && above(keys[to - 1], key); --to) {
      keys[to] = keys[to - 1];
      values[to] = values[to - 1];
    }
    keys[to] = key;
    values[to] = value;
    moves += i - to;
  }
  return moves <= n;
}

/// Long keys by their two highest digits, which tell nearly all apart, then by insertion; others by all digits.
inline void sort_by_key(CpuExec& exec, Span<std::uint64_t> keys, Span<Index> values, int bits) {
  if (bits > 3 * kSortDigit) {
    radix_sort(exec, keys, values, bits - 2 * kSortDigit, bits);
    if (insertion_sort(keys, values, bits)) return;
  }
  radix_sort(exec, keys, values, 0, bits);
}

template <class Predicate>
Span<Index> select(CpuExec& exec, Index n, const Predicate& predicate) {
  auto out = exec.scratch<Index>(n);
  Index count = 0;
  for (Index i = 0; i < n; ++i) {
    out[count] = i;  // without a branch: kReadAhead leaves room behind the last
    count += predicate(i) ? 1 : 0;
  }
  return out.subspan(0, count);
}

template <class T>
void atomic_max(T* at, T value) {
  if (alone) {
    if (*at < value) *at = value;
    return;
  }
  std::atomic_ref<T> ref(*at);
  T seen = ref.load(std::memory_order_relaxed);
  while (seen < value && !ref.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

template <class T>
void atomic_min(T* at, T value) {
  std::atomic_ref<T> ref(*at);
  T seen = ref.load(std::memory_order_relaxed);
  if (alone) {
    ref.store(value < seen ? value : seen, std::memory_order_relaxed);  // always: a branch could not be foreseen
    return;
  }
  while (value < seen && !ref.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

template <class T>
void atomic_or(T* at, T bits) {
  if (alone)
    *at |= bits;
  else
    std::atomic_ref<T>(*at).fetch_or(bits, std::memory_order_relaxed);
}

template <class T>
T atomic_add(T* at, T value) {
  std::atomic_ref<T> ref(*at);
  if (!alone) return ref.fetch_add(value, std::memory_order_relaxed);
  const T before =
      ref.load(std::memory_order_relaxed);  // plain instructions, but none that a loop's vectors may reorder
  ref.store(before + value, std::memory_order_relaxed);
  return before;
}

template <class T>
T atomic_load(T* at) {
  return std::atomic_ref<T>(*at).load(std::memory_order_relaxed);
}

template <class T>
void atomic_store(T* at, T value) {
  std::atomic_ref<T>(*at).store(value, std::memory_order_relaxed);
}

template <class T>
T atomic_replace(T* at, T expected, T value) {
  std::atomic_ref<T> ref(*at);
  if (!alone) {
    ref.compare_exchange_strong(expected, value, std::memory_order_relaxed);
    return expected;  // what was found, also when it was not this
  }
  const T found = ref.load(std::memory_order_relaxed);
  if (found == expected) ref.store(value, std::memory_order_relaxed);
  return found;
}

/// Bit k is set where margins[k] >= 0, of eight.
inline unsigned matching_of_eight(const float* margins) {
#ifdef __AVX__
  return static_cast<unsigned>(
      _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(margins), _mm256_setzero_ps(), _CMP_GE_OQ)));
#else
  unsigned mask = 0;
  for (unsigned k = 0; k < 8; ++k) mask |= (margins[k] >= 0.f ? 1u : 0u) << k;
  return mask;
#endif
}

/// Whole blocks of margins are evaluated without branches, which the compiler vectorises, also past `last`: margins
/// must be computable from any bits, and CpuExec::scratch leaves room for them to be read.
template <class Margin, class Visit>
HELIX_HD void visit_matching(Index first, Index last, const Margin& margin, const Visit& visit) {
  constexpr Index kBlock = 8;
  static_assert(kReadAhead >= kBlock);
  const auto matching = [&](const float* margins) {
    const unsigned mask = matching_of_eight(margins);
    return last - first < kBlock ? mask & ((1u << (last - first)) - 1) : mask;
  };
  for (; first < last; first += kBlock) {
    alignas(32) float margins[kBlock];
    if constexpr (std::is_same_v<decltype(margin(first)), float>) {
      for (Index k = 0; k < kBlock; ++k) margins[k] = margin(first + k);
      unsigned mask = matching(margins);
      if constexpr (std::is_same_v<Visit, RowEmitter>)
        visit.matching(first, mask);
      else
        for (; mask != 0; mask &= mask - 1) visit(first + std::countr_zero(mask));
    } else {
      alignas(32) float numbers[2][kBlock];
      for (Index k = 0; k < kBlock; ++k) {
        const Described described = margin(first + k);
        margins[k] = described.margin;
        for (int c = 0; c < 2; ++c) numbers[c][k] = described.column[c];
      }
      visit.matching(first, matching(margins), numbers[0], numbers[1]);
    }
  }
}

/// One walk: rows are appended as they come; several threads each append runs of rows, which are then joined in order.
/// The buffers are outside the arena, so that its budget is looked at while they grow. `n_columns`: 1, or 3 with the
/// numbers.
template <class Walk>
DescribedRows gather_columns(CpuExec& exec, Index n, std::size_t n_columns, const Walk& walk) {
  const std::size_t bytes = n_columns * sizeof(Index);
  auto at = exec.scratch<Index>(n + 1);
  const bool alone = exec.threads() == 1 || n < 2 * kGrain;
  const Index run = alone ? (n > 0 ? n : 1) : kGrain, n_runs = (n + run - 1) / run;
  auto& values = exec.row_buffers(static_cast<std::size_t>(n_runs));
  const std::size_t room =
      std::min(exec.arena().left() / bytes, static_cast<std::size_t>(std::numeric_limits<Index>::max()));
  std::atomic<std::size_t> total{0};
  const auto check = [&](std::size_t n_values) {
    if (n_values > room) exec.arena().refuse(n_values * bytes, exec.clock().current());
  };
  const auto append = [&](Index r) {
    auto& mine = values[static_cast<std::size_t>(r)];
    mine.clear(n_columns);
    for (Index i = r * run; i < std::min(n, (r + 1) * run); ++i) {
      at[i + 1] = static_cast<Index>(mine.size());
      walk(i, RowEmitter{&mine});
      check(mine.size());
      at[i + 1] = static_cast<Index>(mine.size()) - at[i + 1];
    }
    check(total.fetch_add(mine.size(), std::memory_order_relaxed) + mine.size());
  };
  if (alone)
    for (Index r = 0; r < n_runs; ++r) append(r);
  else
    run_tasks(n_runs, append);
  at[0] = 0;
  for (Index i = 0; i < n; ++i) at[i + 1] += at[i];
  const auto joined = [&](std::size_t c) {
    auto out = exec.scratch<Index>(at[n]);
    for (Index r = 0; r < n_runs; ++r) {
      const auto& mine = values[static_cast<std::size_t>(r)];
      std::copy_n(mine.column(c), mine.size(), out.begin() + at[r * run]);
    }
    return out;
  };
  DescribedRows out{{{at}, joined(0)}, {}};
  for (std::size_t c = 1; c < n_columns; ++c) {
    const Span<Index> bits = joined(c);
    out.column[c - 1] = {reinterpret_cast<const float*>(bits.begin()), bits.size()};
  }
  return out;
}

template <class Walk>
Ragged gather_rows(CpuExec& exec, Index n, const Walk& walk) {
  return gather_columns(exec, n, 1, walk);
}

template <class Walk>
DescribedRows gather_described_rows(CpuExec& exec, Index n, const Walk& walk) {
  return gather_columns(exec, n, 3, walk);
}

/// Whole runs of rows from one side are copied at once.
inline DescribedRows join_rows(CpuExec& exec, const DescribedRows& a, const DescribedRows& b) {
  const Index n = a.rows.rows();
  auto at = exec.scratch<Index>(n + 1);
  for (Index i = 0; i <= n; ++i) at[i] = a.rows.begin(i) + b.rows.begin(i);
  auto values = exec.scratch<Index>(at[n]);
  Span<float> column[2] = {exec.scratch<float>(at[n]), exec.scratch<float>(at[n])};
  const auto copy = [&](const DescribedRows& from, Index first, Index last) {
    const Index begin = from.rows.begin(first), size = from.rows.begin(last) - begin;
    std::copy_n(from.values.begin() + begin, size, values.begin() + at[first]);
    for (int c = 0; c < 2; ++c) std::copy_n(from.column[c].begin() + begin, size, column[c].begin() + at[first]);
  };
  const DescribedRows* from = &a;
  Index first = 0;
  for (Index i = 0; i < n; ++i) {
    const DescribedRows* mine = a.rows.size(i) > 0 ? &a : (b.rows.size(i) > 0 ? &b : from);
    if (mine == from) continue;
    copy(*from, first, i);
    from = mine, first = i;
  }
  copy(*from, first, n);
  return {{{at}, values}, {column[0], column[1]}};
}

}  // namespace helix
