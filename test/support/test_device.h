#pragma once

#include "kernels/core/exec.h"

#include <algorithm>
#include <vector>

namespace helix::test {

/// What a test runs stages on: the CPU in helix_unit, CUDA in helix_unit_cuda, from the same text.
class TestDevice {
 public:
  explicit TestDevice(int threads = 1, std::size_t budget = std::size_t{1} << 30);

  Exec& exec() { return exec_; }
  Arena& arena() { return arena_; }

  /// A copy in the memory that stages see, valid until the arena is reset.
  template <class T>
  Span<T> upload(const std::vector<T>& values) {
    auto to = exec_.template scratch<T>(static_cast<Index>(values.size()));
    copy_in(to.begin(), values.data(), sizeof(T) * values.size());
    return to;
  }

  /// What stages wrote, once they are done.
  template <class T>
  std::vector<std::remove_const_t<T>> download(Span<T> span) {
    std::vector<std::remove_const_t<T>> values(span.size());
    copy_out(values.data(), span.begin(), sizeof(T) * span.size());
    return values;
  }
  std::vector<Index> download(Offsets offsets) { return download(offsets.at); }

 private:
  void copy_in(void* to, const void* from, std::size_t bytes);
  void copy_out(void* to, const void* from, std::size_t bytes);

#ifdef __CUDACC__
  DeviceMemory memory_;
  Stream stream_;
#endif
  Arena arena_;
  Exec exec_;
};

#ifdef __CUDACC__
inline TestDevice::TestDevice(int, std::size_t budget) : arena_(memory_, budget), exec_(arena_, stream_.get()) {}
inline void TestDevice::copy_in(void* to, const void* from, std::size_t bytes) {
  cuda_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_.get()), "cudaMemcpyAsync");
  cuda_check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
}
inline void TestDevice::copy_out(void* to, const void* from, std::size_t bytes) {
  cuda_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_.get()), "cudaMemcpyAsync");
  cuda_check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
}
#else
inline TestDevice::TestDevice(int threads, std::size_t budget)
    : arena_(host_memory(), budget), exec_(arena_, threads) {}
inline void TestDevice::copy_in(void* to, const void* from, std::size_t bytes) {
  std::copy_n(static_cast<const char*>(from), bytes, static_cast<char*>(to));
}
inline void TestDevice::copy_out(void* to, const void* from, std::size_t bytes) { copy_in(to, from, bytes); }
#endif

}  // namespace helix::test
