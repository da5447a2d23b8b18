#pragma once

#include "kernels/core/exec_cuda.h"

#include <cstring>

namespace helix {

// Moves structs of spans between host and device. `visit_columns(columns, visit)` is found by argument-dependent lookup
// and calls visit(span) for every span of the struct; offsets by their `at`.

namespace device {

constexpr std::size_t kColumnAlignment = 256;

template <class T>
std::size_t padded_bytes(Span<T> column) {
  return (sizeof(T) * column.size() + kColumnAlignment - 1) / kColumnAlignment * kColumnAlignment;
}

template <class Columns>
std::size_t total_bytes(Columns& columns) {
  std::size_t bytes = 0;
  visit_columns(columns, [&](auto& column) { bytes += padded_bytes(column); });
  return bytes;
}

}  // namespace device

/// Columns in the exec's memory: gathered in `pinned`, which must stay as it is until the stream has got there, and
/// sent by one asynchronous copy. Empty columns stay empty.
template <class Columns>
Columns upload(CudaExec& exec, PinnedBuffer& pinned, Columns columns) {
  const std::size_t bytes = device::total_bytes(columns);
  if (bytes == 0) return columns;
  std::byte* const host = pinned.reserve(bytes);
  auto* const on_device = static_cast<std::byte*>(exec.arena().take(bytes, "copy in"));
  std::size_t at = 0;
  visit_columns(columns, [&]<class T>(Span<const T>& column) {
    const std::size_t size = device::padded_bytes(column);
    if (size == 0) return;
    std::memcpy(host + at, column.begin(), sizeof(T) * column.size());
    column = {reinterpret_cast<const T*>(on_device + at), column.size()};
    at += size;
  });
  cuda_check(cudaMemcpyAsync(on_device, host, bytes, cudaMemcpyHostToDevice, exec.stream()), "cudaMemcpyAsync");
  return columns;
}

/// The same columns in `pinned`, there once the stream is done.
template <class Columns>
Columns download(CudaExec& exec, PinnedBuffer& pinned, Columns columns) {
  std::byte* const host = pinned.reserve(device::total_bytes(columns));
  std::size_t at = 0;
  visit_columns(columns, [&]<class T>(Span<const T>& column) {
    const std::size_t size = device::padded_bytes(column);
    if (size == 0) return;
    cuda_check(
        cudaMemcpyAsync(host + at, column.begin(), sizeof(T) * column.size(), cudaMemcpyDeviceToHost, exec.stream()),
        "cudaMemcpyAsync");
    column = {reinterpret_cast<const T*>(host + at), column.size()};
    at += size;
  });
  return columns;
}

}  // namespace helix
