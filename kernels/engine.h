#pragma once

#include "kernels/core/status.h"
#include "kernels/event/hits.h"
#include "kernels/event/tracks.h"
#include "kernels/geometry/detector.h"
#include "kernels/patatrack/config.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace helix {

/// Time that one stage of a batch took, in the order the stages ran.
struct StageTime {
  std::string stage;
  std::chrono::nanoseconds time{};
};

/// Answers of a batch: one entry of each offsets table an event, in the order of the batch.
struct BatchResult {
  Tracks tracks;
  Vertices vertices;
  std::vector<EventCounters> counters;  // [events]
  std::vector<StageTime> stages;        // of the whole batch; CPU threads added up
  std::chrono::nanoseconds copy_in{}, compute{}, copy_out{};
  std::size_t arena_bytes = 0;  // that the whole batch took of the engine's arena; 0: events go through one by one
};

struct EngineOptions {
  int threads = 1;                                   // CPU threads of this engine; the CUDA engine uses one
  std::size_t memory_budget = std::size_t{4} << 30;  // bytes the engine may hold; beyond it: resource_exhausted
  int device = 0;                                    // CUDA device
};

/// A pipeline on one device. Owned and called by one thread at a time.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Does now what the first batch would else wait for. Called once, before run, on the thread that calls run.
  virtual Status warm_up() { return {}; }

  /// Reconstructs a batch of validated hits (event/validate.h) in host memory.
  /// errors: resource_exhausted (names stage, bytes needed and budget), unavailable (device lost), internal
  virtual Result<BatchResult> run(const HitBatch& batch) = 0;

  /// Bytes that its arenas hold from batch to batch. Called on the thread that calls run, between runs.
  virtual std::size_t memory() const { return 0; }

  /// Events that it computes side by side: with fewer in a batch, threads of it have less to do.
  virtual int events_side_by_side() const { return 1; }

  /// "cpu" or "cuda"
  virtual std::string backend() const = 0;
  /// For people: "CPU, 2 threads", "NVIDIA H200, device 0"
  virtual std::string device() const = 0;
};

/// The engine keeps its own copy of the detector and the settings.
std::unique_ptr<Engine> make_cpu_engine(const Detector& detector, const patatrack::Config& config,
                                        const EngineOptions& options);

/// errors: unavailable where the program was built without CUDA, or no usable device is present
Result<std::unique_ptr<Engine>> make_cuda_engine(const Detector& detector, const patatrack::Config& config,
                                                 const EngineOptions& options);

/// Devices that make_cuda_engine can use; 0 where built without CUDA or without a driver.
int cuda_device_count();

}  // namespace helix
