#pragma once

// The backend that stages in this translation unit are compiled for. Exec is part of each stage's signature, so that
// both objects link into one program.
#ifdef __CUDACC__
#include "kernels/core/exec_cuda.h"
namespace helix {
using Exec = CudaExec;
}  // namespace helix
#else
#include "kernels/core/exec_cpu.h"
namespace helix {
using Exec = CpuExec;
}  // namespace helix
#endif
