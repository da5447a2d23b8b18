#include "kernels/core/exec_cpu.h"
#include "kernels/core/tasks.h"
#include "kernels/exatrkx/engine.h"
#include "kernels/exatrkx/pipeline.h"
#include "kernels/exatrkx/warm_up.h"

#include <algorithm>
#include <new>

namespace helix {
namespace {

/// A batch goes through stage by stage: the networks are largest at once.
class ExatrkxCpuEngine final : public Engine {
 public:
  ExatrkxCpuEngine(const exatrkx::Model& model, std::shared_ptr<const exatrkx::Networks> networks,
                   const EngineOptions& options)
      : model_(model),
        networks_(std::move(networks)),
        threads_(std::max(options.threads, 1)),
        arena_(host_memory(), options.memory_budget),
        exec_(arena_, threads_),
        tasks_(threads_) {}

  Result<BatchResult> run(const HitBatch& batch) override {
    const auto start = std::chrono::steady_clock::now();
    Result<PipelineOutput> out = internal_error("not run");
    try {
      arena_.reset();
      exec_.clock().clear();
      tasks_.execute([&] { out = exatrkx::run_pipeline(exec_, batch, model_, *networks_); });
    } catch (const OutOfArena& error) {
      return resource_exhausted(error.what());
    } catch (const std::bad_alloc&) {
      return resource_exhausted("this machine is out of memory");
    }
    if (!out.ok()) return out.status();
    exec_.clock().end();
    BatchResult result = copy_result(*out, batch.beam_spot);
    result.compute = std::chrono::steady_clock::now() - start;
    result.arena_bytes = arena_.budget() - arena_.left();
    for (const auto& row : exec_.clock().rows()) result.stages.push_back({row.stage, row.time});
    return result;
  }

  Status warm_up() override { return exatrkx::warm_up(*this); }

  std::size_t memory() const override { return arena_.held(); }

  std::string backend() const override { return "cpu"; }
  std::string device() const override {
    return "CPU, " + std::to_string(threads_) + (threads_ == 1 ? " thread" : " threads");
  }

 private:
  const exatrkx::Model model_;
  const std::shared_ptr<const exatrkx::Networks> networks_;
  const int threads_;
  Arena arena_;
  CpuExec exec_;
  TaskArena tasks_;
};

}  // namespace

std::unique_ptr<Engine> make_exatrkx_engine(const exatrkx::Model& model,
                                            std::shared_ptr<const exatrkx::Networks> networks,
                                            const EngineOptions& options) {
  return std::make_unique<ExatrkxCpuEngine>(model, std::move(networks), options);
}

}  // namespace helix
