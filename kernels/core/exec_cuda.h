#pragma once

#include "kernels/core/arena.h"
#include "kernels/core/cuda_handles.h"
#include "kernels/core/profile_range.h"
#include "kernels/core/ragged.h"
#include "kernels/core/stage_clock.h"

#include <optional>
#include <type_traits>
#include <vector>

namespace helix {

/// Threads of a block of for_each. Stages are memory-bound and use 30 to 128 registers: 128 threads fill a
/// multiprocessor at any of these.
inline constexpr unsigned kBlockSize = 128;

/// Runs stages on one CUDA stream. Owned and called by one thread; the arena's memory is the device's.
class CudaExec {
 public:
  /// How often to repeat what ends when a value on the device says so before that value is read.
  static constexpr Index kRoundsBetweenReads = 4;

  CudaExec(Arena& arena, cudaStream_t stream) : arena_(arena), stream_(stream) { staging_.reserve(kStagingBytes); }

  /// n uninitialised values on the device, valid until the arena is reset. throws OutOfArena
  template <class T>
  Span<T> scratch(Index n) {
    return {static_cast<T*>(arena_.take(sizeof(T) * static_cast<std::size_t>(n), current_)),
            static_cast<std::size_t>(n)};
  }

  /// A value on the device that the host must know: waits for the stream. Each use is listed in docs/architecture.md.
  template <class T>
  T sync_read(const T* at) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kStagingBytes);
    cuda_check(cudaMemcpyAsync(staging_.get(), at, sizeof(T), cudaMemcpyDeviceToHost, stream_), "cudaMemcpyAsync");
    cuda_check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");  // spins: a few microseconds matter here
    return *reinterpret_cast<const T*>(staging_.get());
  }

  /// Names what runs from here on, in errors and in the time split.
  void begin_stage(const char* name) {
    current_ = name;
    range_.reset();  // ends the last stage's before the next begins: they don't nest
    range_.emplace(name);
    mark(name);
  }

  /// Ends the last stage: what is launched from here on is no stage's.
  void end_stages() {
    range_.reset();
    mark(nullptr);
  }

  /// Adds up the stages' times as the device saw them, once all of them are done; forgets them.
  void collect_times() {
    for (std::size_t i = 0; i + 1 < n_marks_; ++i)
      if (marks_[i].stage != nullptr) clock_.add(marks_[i].stage, elapsed(marks_[i].event, marks_[i + 1].event));
    forget_stages();
  }
  /// After a batch that failed.
  void forget_stages() {
    n_marks_ = 0;
    range_.reset();
    current_ = "batch";
  }

  cudaStream_t stream() const { return stream_; }
  Arena& arena() { return arena_; }
  StageClock& clock() { return clock_; }

 private:
  static constexpr std::size_t kStagingBytes = 256;
  struct Mark {
    const char* stage = nullptr;
    Event event;
  };

  void mark(const char* stage) {
    if (n_marks_ == marks_.size()) marks_.emplace_back();
    marks_[n_marks_].stage = stage;
    marks_[n_marks_].event.record(stream_);
    ++n_marks_;
  }

  Arena& arena_;
  cudaStream_t stream_;
  PinnedBuffer staging_;
  const char* current_ = "batch";
  std::optional<ProfileRange> range_;
  StageClock clock_;
  std::vector<Mark> marks_;  // kept between batches
  std::size_t n_marks_ = 0;
};

}  // namespace helix
