#pragma once

#include "kernels/core/arena.h"
#include "kernels/core/cuda_error.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

// Move-only owners of what CUDA gives out. What is passed on is the plain handle.

namespace helix {

/// A stream that does not wait for the default stream.
class Stream {
 public:
  Stream() { cuda_check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
  Stream(Stream&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Stream() {
    if (handle_ != nullptr) cudaStreamDestroy(handle_);
  }
  cudaStream_t get() const { return handle_; }

 private:
  cudaStream_t handle_ = nullptr;
};

/// A point in a stream. Waiting for it gives the processor away instead of spinning.
class Event {
 public:
  Event() { cuda_check(cudaEventCreateWithFlags(&handle_, cudaEventBlockingSync), "cudaEventCreateWithFlags"); }
  Event(Event&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Event() {
    if (handle_ != nullptr) cudaEventDestroy(handle_);
  }
  void record(cudaStream_t stream) { cuda_check(cudaEventRecord(handle_, stream), "cudaEventRecord"); }
  void wait() const { cuda_check(cudaEventSynchronize(handle_), "cudaEventSynchronize"); }
  cudaEvent_t get() const { return handle_; }

 private:
  cudaEvent_t handle_ = nullptr;
};

/// Time on the device between two events that are done.
inline std::chrono::nanoseconds elapsed(const Event& from, const Event& to) {
  float ms = 0;
  cuda_check(cudaEventElapsedTime(&ms, from.get(), to.get()), "cudaEventElapsedTime");
  return std::chrono::nanoseconds(static_cast<std::int64_t>(1e6 * ms));
}

/// Page-locked host memory: what asynchronous copies need. Grows, never shrinks.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  PinnedBuffer(PinnedBuffer&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~PinnedBuffer() { cudaFreeHost(at_); }

  /// At least `bytes` bytes; what was in them is lost when the buffer has to grow.
  std::byte* reserve(std::size_t bytes) {
    if (bytes > size_) {
      cuda_check(cudaFreeHost(std::exchange(at_, nullptr)), "cudaFreeHost");
      size_ = 0;
      void* at = nullptr;
      cuda_check(cudaMallocHost(&at, bytes), "cudaMallocHost");
      at_ = static_cast<std::byte*>(at);
      size_ = bytes;
    }
    return at_;
  }
  std::byte* get() const { return at_; }

 private:
  std::byte* at_ = nullptr;
  std::size_t size_ = 0;
};

/// Memory of the current device. Both calls wait for the device: arenas make them between batches only.
class DeviceMemory final : public MemorySource {
 public:
  void* allocate(std::size_t bytes) override {
    void* at = nullptr;
    const cudaError_t code = cudaMalloc(&at, bytes);
    if (code == cudaErrorMemoryAllocation) {
      (void)cudaGetLastError();
      return nullptr;
    }
    cuda_check(code, "cudaMalloc");
    return at;
  }
  void release(void* block) override { cudaFree(block); }
};

}  // namespace helix
