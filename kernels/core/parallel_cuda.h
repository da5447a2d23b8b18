#pragma once

#include "kernels/core/exec_cuda.h"
#include "kernels/core/hd.h"

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>
#include <cub/device/device_select.cuh>
#include <thrust/iterator/counting_iterator.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <type_traits>

namespace helix {

// The body stays in constant memory: without __grid_constant__ indexing into it would copy it to each thread's stack.
// The 1 says that one block a multiprocessor would do: without it ptxas spills registers to make room for more blocks.
template <class Body>
__global__ void __launch_bounds__(kBlockSize, 1) for_each_kernel(std::uint32_t n, const __grid_constant__ Body body) {
  const std::uint32_t i = blockIdx.x * kBlockSize + threadIdx.x;
  if (i < n) body(static_cast<Index>(i));
}

template <class Body>
void for_each(CudaExec& exec, Index n, const Body& body) {
  if (n <= 0) return;
  const auto count = static_cast<std::uint32_t>(n);
  for_each_kernel<<<(count + kBlockSize - 1) / kBlockSize, kBlockSize, 0, exec.stream()>>>(count, body);
  cuda_check(cudaGetLastError(), "launch of for_each");
}

namespace device {

template <class T>
struct Fill {
  Span<T> span;
  T value;
  HELIX_HD void operator()(Index i) const { span[i] = value; }
};

/// CUB's two calls: `call` with no memory asks how much it needs, then runs in so much of the arena.
template <class Call>
void with_workspace(CudaExec& exec, const char* name, const Call& call) {
  std::size_t bytes = 0;
  cuda_check(call(nullptr, bytes), name);
  void* workspace = exec.arena().take(bytes, name);
  cuda_check(call(workspace, bytes), name);
}

}  // namespace device

template <class T>
void fill(CudaExec& exec, Span<T> span, T value) {
  for_each(exec, static_cast<Index>(span.size()), device::Fill<T>{span, value});
}

inline Offsets exclusive_scan(CudaExec& exec, Span<const Index> counts) {
  const auto n = static_cast<Index>(counts.size());
  auto at = exec.scratch<Index>(n + 1);
  cuda_check(cudaMemsetAsync(at.begin(), 0, sizeof(Index), exec.stream()), "cudaMemsetAsync");
  if (n > 0)
    device::with_workspace(exec, "exclusive_scan", [&](void* workspace, std::size_t& bytes) {
      return cub::DeviceScan::InclusiveSum(workspace, bytes, counts.begin(), at.begin() + 1, n, exec.stream());
    });
  return {at};
}

inline void sort_by_key(CudaExec& exec, Span<std::uint64_t> keys, Span<Index> values, int bits) {
  const auto n = static_cast<Index>(keys.size());
  if (n < 2 || bits <= 0) return;
  cub::DoubleBuffer<std::uint64_t> key(keys.begin(), exec.scratch<std::uint64_t>(n).begin());
  cub::DoubleBuffer<Index> value(values.begin(), exec.scratch<Index>(n).begin());
  device::with_workspace(exec, "sort_by_key", [&](void* workspace, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(workspace, bytes, key, value, n, 0, std::min(bits, 64), exec.stream());
  });
  const auto copy_back = [&](auto* to, const auto* from) {
    if (to != from)
      cuda_check(cudaMemcpyAsync(to, from, sizeof(*to) * n, cudaMemcpyDeviceToDevice, exec.stream()), "sort_by_key");
  };
  copy_back(keys.begin(), key.Current());
  copy_back(values.begin(), value.Current());
}

template <class Predicate>
Span<Index> select(CudaExec& exec, Index n, const Predicate& predicate) {
  auto out = exec.scratch<Index>(n);
  if (n <= 0) return out;
  auto count = exec.scratch<Index>(1);
  device::with_workspace(exec, "select", [&](void* workspace, std::size_t& bytes) {
    return cub::DeviceSelect::If(workspace, bytes, thrust::counting_iterator<Index>(0), out.begin(), count.begin(), n,
                                 predicate, exec.stream());
  });
  return out.subspan(0, static_cast<std::size_t>(exec.sync_read(count.begin())));
}

template <class T>
HELIX_HD void atomic_max(T* at, T value) {
#ifdef __CUDA_ARCH__
  // CUDA names its 64-bit integers long long, the standard library's types may be long
  using Wide = std::conditional_t<std::is_signed_v<T>, long long, unsigned long long>;
  using Word = std::conditional_t<sizeof(T) == sizeof(Wide), Wide, T>;
  atomicMax(reinterpret_cast<Word*>(at), static_cast<Word>(value));
#else
  std::atomic_ref<T> ref(*at);
  T seen = ref.load(std::memory_order_relaxed);
  while (seen < value && !ref.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
#endif
}

template <class T>
HELIX_HD void atomic_min(T* at, T value) {
#ifdef __CUDA_ARCH__
  atomicMin(at, value);
#else
  std::atomic_ref<T> ref(*at);
  T seen = ref.load(std::memory_order_relaxed);
  while (value < seen && !ref.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
#endif
}

template <class T>
HELIX_HD void atomic_or(T* at, T bits) {
#ifdef __CUDA_ARCH__
  using Word = std::conditional_t<sizeof(T) == sizeof(unsigned long long), unsigned long long, unsigned>;
  atomicOr(reinterpret_cast<Word*>(at), static_cast<Word>(bits));
#else
  std::atomic_ref<T>(*at).fetch_or(bits, std::memory_order_relaxed);
#endif
}

template <class T>
HELIX_HD T atomic_add(T* at, T value) {
#ifdef __CUDA_ARCH__
  using Word = std::conditional_t<sizeof(T) == sizeof(unsigned long long), unsigned long long, unsigned>;
  // the same bits for signed integers
  return static_cast<T>(atomicAdd(reinterpret_cast<Word*>(at), static_cast<Word>(value)));
#else
  return std::atomic_ref<T>(*at).fetch_add(value, std::memory_order_relaxed);
#endif
}

template <class T>
HELIX_HD T atomic_load(T* at) {
#ifdef __CUDA_ARCH__
  return *static_cast<volatile T*>(at);
#else
  return std::atomic_ref<T>(*at).load(std::memory_order_relaxed);
#endif
}

template <class T>
HELIX_HD void atomic_store(T* at, T value) {
#ifdef __CUDA_ARCH__
  *static_cast<volatile T*>(at) = value;
#else
  std::atomic_ref<T>(*at).store(value, std::memory_order_relaxed);
#endif
}

template <class T>
HELIX_HD T atomic_replace(T* at, T expected, T value) {
#ifdef __CUDA_ARCH__
  return atomicCAS(at, expected, value);
#else
  std::atomic_ref<T>(*at).compare_exchange_strong(expected, value, std::memory_order_relaxed);
  return expected;
#endif
}

template <class Margin, class Visit>
HELIX_HD void visit_matching(Index first, Index last, const Margin& margin, const Visit& visit) {
  for (; first < last; ++first) {
    const auto m = margin(first);
    if constexpr (std::is_same_v<decltype(m), const float>) {
      if (m >= 0.f) visit(first);
    } else {
      if (m.margin >= 0.f) visit(first, m.column);
    }
  }
}

namespace device {

template <class Walk>
struct CountRow {
  Walk walk;
  Span<Index> count;  // [rows]
  HELIX_HD void operator()(Index i) const {
    Index n = 0;
    walk(i, [&](Index, const auto&...) { ++n; });
    count[i] = n;
  }
};

template <class Walk>
struct FillRow {
  Walk walk;
  Offsets rows;
  Span<Index> values;
  Span<float> column[2];  // empty where the walk emits no numbers
  HELIX_HD void operator()(Index i) const {
    Index at = rows.begin(i);
    walk(i, [&](Index value, const auto&... numbers) {
      values[at] = value;
      (store(at, numbers), ...);
      ++at;
    });
  }
  HELIX_HD void store(Index at, const float (&numbers)[2]) const {
    for (int c = 0; c < 2; ++c) column[c][at] = numbers[c];
  }
};

struct FillRowNumber {
  Offsets rows;
  Span<Index> row;
  HELIX_HD void operator()(Index r) const {
    for (Index at = rows.begin(r); at < rows.end(r); ++at) row[at] = r;
  }
};

struct AddOffsets {
  Offsets a, b;
  Span<Index> sum;  // [rows + 1]
  HELIX_HD void operator()(Index i) const { sum[i] = a.begin(i) + b.begin(i); }
};

struct CopyRow {
  DescribedRows a, b;
  Offsets rows;
  Span<Index> values;
  Span<float> column[2];
  HELIX_HD void operator()(Index i) const {
    const DescribedRows& from = a.rows.size(i) > 0 ? a : b;
    Index to = rows.begin(i);
    for (Index row = from.rows.begin(i); row < from.rows.end(i); ++row, ++to) {
      values[to] = from.values[row];
      for (int c = 0; c < 2; ++c) column[c][to] = from.column[c][row];
    }
  }
};

}  // namespace device

inline Span<Index> row_of_each(CudaExec& exec, Offsets rows, Index n) {
  auto row = exec.scratch<Index>(n);
  for_each(exec, rows.rows(), device::FillRowNumber{rows, row});
  return row;
}

inline DescribedRows join_rows(CudaExec& exec, const DescribedRows& a, const DescribedRows& b) {
  const Index n = a.rows.rows();
  const auto sum = exec.scratch<Index>(n + 1);
  for_each(exec, n + 1, device::AddOffsets{a.rows, b.rows, sum});
  const Offsets rows{sum};
  const auto total = static_cast<Index>(a.values.size() + b.values.size());
  device::CopyRow copied{
      a, b, rows, exec.scratch<Index>(total), {exec.scratch<float>(total), exec.scratch<float>(total)}};
  for_each(exec, n, copied);
  return {{rows, copied.values}, {copied.column[0], copied.column[1]}};
}

/// The walk runs twice: once to count, once to fill.
template <class Walk>
DescribedRows gather_columns(CudaExec& exec, Index n, int n_numbers, const Walk& walk) {
  auto count = exec.scratch<Index>(n);
  for_each(exec, n, device::CountRow<Walk>{walk, count});
  const Offsets rows = exclusive_scan(exec, count);
  const Index total = exec.sync_read(rows.total());
  device::FillRow<Walk> filled{walk, rows, exec.scratch<Index>(total), {}};
  for (int c = 0; c < n_numbers; ++c) filled.column[c] = exec.scratch<float>(total);
  for_each(exec, n, filled);
  return {{rows, filled.values}, {filled.column[0], filled.column[1]}};
}

template <class Walk>
Ragged gather_rows(CudaExec& exec, Index n, const Walk& walk) {
  return gather_columns(exec, n, 0, walk);
}

template <class Walk>
DescribedRows gather_described_rows(CudaExec& exec, Index n, const Walk& walk) {
  return gather_columns(exec, n, 2, walk);
}

}  // namespace helix
