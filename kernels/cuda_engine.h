#pragma once

// What engines on a CUDA device have in common, whatever pipeline they run. For files compiled by nvcc.
#include "kernels/core/cuda_columns.h"
#include "kernels/core/parallel.h"
#include "kernels/engine.h"
#include "kernels/pipeline_output.h"

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace helix {

template <class Visit>
void visit_columns(HitBatch& hits, const Visit& visit) {
  visit(hits.x), visit(hits.y), visit(hits.z), visit(hits.module);
  visit(hits.var_u), visit(hits.var_v), visit(hits.size_u), visit(hits.size_v);
  visit(hits.charge), visit(hits.local_u), visit(hits.local_v);
  visit(hits.events.at), visit(hits.beam_spot);
}

template <class Visit>
void visit_columns(PipelineOutput& out, const Visit& visit) {
  visit(out.events.at), visit(out.hit_rows.at), visit(out.hit);
  visit(out.phi), visit(out.dxy), visit(out.q_over_pt), visit(out.cot_theta), visit(out.dz);
  visit(out.chi2), visit(out.score), visit(out.covariance), visit(out.ndof), visit(out.quality), visit(out.vertex);
  visit(out.vertices.events.at), visit(out.vertices.z), visit(out.vertices.var_z);
  visit(out.vertices.sum_pt2), visit(out.vertices.chi2), visit(out.vertices.n_tracks);
  visit(out.counters);
}

/// A device, as it is chosen before anything else of CUDA's is made on this thread.
struct CudaDevice {
  explicit CudaDevice(int number_) : number(number_) {
    use();
    cudaDeviceProp properties{};
    cuda_check(cudaGetDeviceProperties(&properties, number), "cudaGetDeviceProperties");
    name = properties.name;
  }
  void use() const { cuda_check(cudaSetDevice(number), "cudaSetDevice"); }
  int number;
  std::string name;
};

/// The whole batch goes through each stage in one launch. The host waits in the pipeline's sync_reads and once at the
/// end.
///
/// Pipeline  Pipeline(memory, stream, staging, budget, arguments...); bytes it holds between batches: held();
///           Result<PipelineOutput> run(CudaExec&, const HitBatch& on the device); Status warm_up(Engine&)
template <class Pipeline>
class CudaEngine final : public Engine {
 public:
  template <class... Arguments>
  explicit CudaEngine(const EngineOptions& options, Arguments&&... arguments)
      : device_(options.device),
        pipeline_(memory_, stream_.get(), copy_in_, options.memory_budget, std::forward<Arguments>(arguments)...),
        arena_(memory_, options.memory_budget - std::min(options.memory_budget, pipeline_.held())),
        exec_(arena_, stream_.get()) {
    // finds out here, not in the first batch, whether this build holds code for the device
    fill(exec_, exec_.template scratch<Index>(1), Index{0});
    cuda_check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
  }

  Result<BatchResult> run(const HitBatch& batch) override {
    const ProfileRange range("batch");
    try {
      device_.use();
      Result<BatchResult> result = reconstruct(batch);
      return result.ok() ? std::move(result) : failed(result.status());
    } catch (const OutOfArena& error) {
      return failed(resource_exhausted(error.what()));
    } catch (const std::bad_alloc&) {
      return failed(resource_exhausted("this machine is out of memory"));
    } catch (const CudaError& error) {
      return failed(status_of(error));
    }
  }

  Status warm_up() override { return pipeline_.warm_up(*this); }

  std::size_t memory() const override { return arena_.held() + pipeline_.held(); }

  std::string backend() const override { return "cuda"; }
  std::string device() const override { return device_.name + ", device " + std::to_string(device_.number); }

 private:
  static Status status_of(const CudaError& error) {
    if (error.sticky()) return unavailable(std::string("device lost: ") + error.what());
    if (error.code() == cudaErrorMemoryAllocation) return resource_exhausted(error.what());
    return internal_error(error.what());
  }

  Status failed(Status why) {
    (void)cudaStreamSynchronize(stream_.get());  // what was launched still reads the buffers
    exec_.forget_stages();
    return why;
  }

  Result<BatchResult> reconstruct(const HitBatch& batch) {
    arena_.reset();
    exec_.clock().clear();
    started_.record(stream_.get());
    const HitBatch hits = upload(exec_, copy_in_, batch);
    copied_in_.record(stream_.get());
    const Result<PipelineOutput> output = pipeline_.run(exec_, hits);
    if (!output.ok()) return output.status();
    exec_.end_stages();
    computed_.record(stream_.get());
    const PipelineOutput answer = download(exec_, copy_out_, *output);
    copied_out_.record(stream_.get());
    copied_out_.wait();

    BatchResult result = copy_result(answer, batch.beam_spot);
    exec_.collect_times();
    for (const auto& row : exec_.clock().rows()) result.stages.push_back({row.stage, row.time});
    result.copy_in = elapsed(started_, copied_in_);
    result.compute = elapsed(copied_in_, computed_);
    result.copy_out = elapsed(computed_, copied_out_);
    result.arena_bytes = arena_.budget() - arena_.left();
    return result;
  }

  const CudaDevice device_;  // first: all that follows is made on it
  DeviceMemory memory_;
  Stream stream_;
  Event started_, copied_in_, computed_, copied_out_;
  PinnedBuffer copy_in_, copy_out_;
  Pipeline pipeline_;
  Arena arena_;
  CudaExec exec_;
};

/// errors: unavailable (no such device), resource_exhausted (what the pipeline holds does not fit)
template <class Pipeline, class... Arguments>
Result<std::unique_ptr<Engine>> make_engine_on_device(const EngineOptions& options, Arguments&&... arguments) {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  (void)cudaGetLastError();
  if (code != cudaSuccess) return unavailable(std::string("no usable CUDA device: ") + cudaGetErrorString(code));
  if (options.device < 0 || options.device >= count)
    return unavailable("no CUDA device " + std::to_string(options.device) + ", there are " + std::to_string(count));
  try {
    return std::unique_ptr<Engine>(
        std::make_unique<CudaEngine<Pipeline>>(options, std::forward<Arguments>(arguments)...));
  } catch (const OutOfArena& error) {
    return resource_exhausted(std::string("the pipeline does not fit: ") + error.what());
  } catch (const CudaError& error) {
    return unavailable("CUDA device " + std::to_string(options.device) + " cannot be used: " + error.what());
  }
}

}  // namespace helix
