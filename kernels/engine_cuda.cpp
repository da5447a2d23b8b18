#include "kernels/cuda_engine.h"
#include "kernels/patatrack/pipeline.h"

namespace helix {

template <class Visit>
void visit_columns(DetectorView& d, const Visit& visit) {
  visit(d.modules), visit(d.layers), visit(d.pairs), visit(d.pairs_of_layer.at);
  visit(d.grid.at), visit(d.grid_modules), visit(d.size_windows), visit(d.scores.terms), visit(d.scores.values);
}

namespace {

/// Patatrack with its detector on the device.
class PatatrackPipeline {
 public:
  PatatrackPipeline(MemorySource& memory, cudaStream_t stream, PinnedBuffer& staging, std::size_t budget,
                    const Detector& detector, const patatrack::Config& config)
      : config_(config), arena_(memory, budget) {
    CudaExec exec(arena_, stream);
    detector_ = upload(exec, staging, detector.view());
    cuda_check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");  // staging is the next one's
  }

  std::size_t held() const { return arena_.high_water(); }

  Result<PipelineOutput> run(CudaExec& exec, const HitBatch& hits) {
    return run_pipeline(exec, hits, detector_, config_);
  }

  static Status warm_up(Engine&) { return {}; }

 private:
  const patatrack::Config config_;
  Arena arena_;  // holds the detector, never reset
  DetectorView detector_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_cuda_engine(const Detector& detector, const patatrack::Config& config,
                                                 const EngineOptions& options) {
  return make_engine_on_device<PatatrackPipeline>(options, detector, config);
}

int cuda_device_count() {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  (void)cudaGetLastError();
  return code == cudaSuccess ? count : 0;
}

}  // namespace helix
