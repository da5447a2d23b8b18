#pragma once

#include "kernels/core/arena.h"
#include "kernels/core/ragged.h"
#include "kernels/core/row_buffer.h"
#include "kernels/core/stage_clock.h"

#include <vector>

namespace helix {

/// Elements behind the end of every column that may be read (never used), so that loops run in whole vectors.
inline constexpr Index kReadAhead = 8;

/// Runs stages on the CPU: one thread, or the threads of the oneTBB arena it is called in.
class CpuExec {
 public:
  /// How often to repeat what ends when a value on the device says so before that value is read: here a read costs
  /// nothing.
  static constexpr Index kRoundsBetweenReads = 1;

  CpuExec(Arena& arena, int threads) : arena_(arena), threads_(threads) {}

  /// n uninitialised values, valid until the arena is reset. throws OutOfArena
  template <class T>
  Span<T> scratch(Index n) {
    return {static_cast<T*>(arena_.take(sizeof(T) * static_cast<std::size_t>(n + kReadAhead), clock_.current())),
            static_cast<std::size_t>(n)};
  }

  /// A value that the host must know: on a CUDA backend a wait for the stream. Each use is listed in
  /// docs/architecture.md.
  template <class T>
  T sync_read(const T* at) const {
    return *at;
  }

  /// Names what runs from here on, in errors and in the time split.
  void begin_stage(const char* name) { clock_.begin(name); }

  /// At least n buffers for gather_rows; they keep their capacity.
  std::vector<RowBuffer>& row_buffers(std::size_t n) {
    if (row_buffers_.size() < n) row_buffers_.resize(n);
    return row_buffers_;
  }

  int threads() const { return threads_; }
  Arena& arena() { return arena_; }
  StageClock& clock() { return clock_; }

 private:
  Arena& arena_;
  int threads_;
  StageClock clock_;
  std::vector<RowBuffer> row_buffers_;
};

}  // namespace helix
