#include "kernels/cuda_engine.h"
#include "kernels/exatrkx/engine.h"
#include "kernels/exatrkx/pipeline.h"
#include "kernels/exatrkx/warm_up.h"

namespace helix {
namespace {

class ExatrkxPipeline {
 public:
  ExatrkxPipeline(MemorySource&, cudaStream_t, PinnedBuffer&, std::size_t, const exatrkx::Model& model,
                  std::shared_ptr<const exatrkx::CudaNetworks> networks)
      : model_(model), networks_(std::move(networks)) {}

  std::size_t held() const { return 0; }

  Result<PipelineOutput> run(CudaExec& exec, const HitBatch& hits) {
    return exatrkx::run_pipeline(exec, hits, model_, *networks_);
  }

  static Status warm_up(Engine& engine) { return exatrkx::warm_up(engine); }

 private:
  const exatrkx::Model model_;
  const std::shared_ptr<const exatrkx::CudaNetworks> networks_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_exatrkx_cuda_engine(const exatrkx::Model& model,
                                                         std::shared_ptr<const exatrkx::CudaNetworks> networks,
                                                         const EngineOptions& options) {
  return make_engine_on_device<ExatrkxPipeline>(options, model, std::move(networks));
}

}  // namespace helix
