#pragma once

#include <cuda_runtime_api.h>

#include <exception>
#include <source_location>
#include <string>

namespace helix {

/// A call of CUDA's that failed: which, where, and whether the device is lost to this process.
class CudaError final : public std::exception {
 public:
  CudaError(cudaError_t code, const char* call, const std::source_location& place)
      : code_(code),
        text_(std::string(call) + " failed at " + place.file_name() + ":" + std::to_string(place.line()) + ": " +
              cudaGetErrorName(code) + ": " + cudaGetErrorString(code)) {}

  const char* what() const noexcept override { return text_.c_str(); }
  cudaError_t code() const { return code_; }

  /// Every later call fails too: the device leaves service. Known by exclusion: these are the errors after which CUDA
  /// documents that the context goes on working.
  bool sticky() const {
    switch (code_) {
      case cudaErrorInvalidValue:
      case cudaErrorMemoryAllocation:
      case cudaErrorInvalidConfiguration:
      case cudaErrorInvalidDevice:
      case cudaErrorInvalidDeviceFunction:
      case cudaErrorNoKernelImageForDevice:
      case cudaErrorLaunchOutOfResources:
      case cudaErrorInvalidResourceHandle:
      case cudaErrorNotReady:
        return false;
      default:
        return true;
    }
  }

 private:
  cudaError_t code_;
  std::string text_;
};

/// throws CudaError unless `code` is success; `call` names what returned it
inline void cuda_check(cudaError_t code, const char* call,
                       const std::source_location& place = std::source_location::current()) {
  if (code == cudaSuccess) return;
  (void)cudaGetLastError();  // what was just reported must not be reported again by the next launch
  throw CudaError(code, call, place);
}

}  // namespace helix
