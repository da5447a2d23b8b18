#pragma once

/// Marks a function that runs on the host and, where nvcc compiles it, on the device.
#ifdef __CUDACC__
#define HELIX_HD __host__ __device__ __forceinline__
#else
#define HELIX_HD inline __attribute__((always_inline))
#endif
