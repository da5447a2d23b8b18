#pragma once

// Names what the host does, for Nsight Systems: a range of NVTX where the CUDA toolkit brings it (a header; without a
// profiler a call is a test of a pointer), else nothing. For files compiled by nvcc.
#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#else
inline int nvtxRangePushA(const char*) { return 0; }
inline int nvtxRangePop() { return 0; }
#endif

namespace helix {

/// Lasts as long as this object; ranges of a thread nest.
class ProfileRange {
 public:
  explicit ProfileRange(const char* name) { nvtxRangePushA(name); }
  ~ProfileRange() { nvtxRangePop(); }
  ProfileRange(const ProfileRange&) = delete;
  ProfileRange& operator=(const ProfileRange&) = delete;
};

}  // namespace helix
