#include "kernels/core/cuda_columns.h"
#include "kernels/core/parallel.h"
#include "kernels/engine.h"
#include "kernels/patatrack/pipeline.h"

#include <algorithm>
#include <new>

namespace helix {

template <class Visit>
void visit_columns(HitBatch& hits, const Visit& visit) {
  visit(hits.x), visit(hits.y), visit(hits.z), visit(hits.module);
  visit(hits.var_u), visit(hits.var_v), visit(hits.size_u), visit(hits.size_v);
  visit(hits.events.at), visit(hits.beam_spot);
}

template <class Visit>
void visit_columns(DetectorView& d, const Visit& visit) {
  visit(d.modules), visit(d.layers), visit(d.pairs), visit(d.pairs_of_layer.at);
  visit(d.grid.at), visit(d.grid_modules), visit(d.size_windows), visit(d.scores.terms), visit(d.scores.values);
}

namespace patatrack {

template <class Visit>
void visit_columns(PipelineOutput& out, const Visit& visit) {
  visit(out.events.at), visit(out.hit_rows.at), visit(out.hit);
  visit(out.phi), visit(out.dxy), visit(out.q_over_pt), visit(out.cot_theta), visit(out.dz);
  visit(out.chi2), visit(out.score), visit(out.covariance), visit(out.ndof), visit(out.quality), visit(out.vertex);
  visit(out.vertices.events.at), visit(out.vertices.z), visit(out.vertices.var_z);
  visit(out.vertices.sum_pt2), visit(out.vertices.chi2), visit(out.vertices.n_tracks);
  visit(out.counters);
}

}  // namespace patatrack

namespace {

template <class T, class U>
void assign(std::vector<T>& to, Span<const U> from) {
  to.assign(from.begin(), from.end());
}

Tracks tracks_of(const patatrack::PipelineOutput& from) {
  Tracks to;
  assign(to.event_offsets, from.events.at);
  assign(to.hit_offsets, from.hit_rows.at);
  assign(to.hit, from.hit);
  assign(to.phi, from.phi);
  assign(to.dxy, from.dxy);
  assign(to.q_over_pt, from.q_over_pt);
  assign(to.cot_theta, from.cot_theta);
  assign(to.dz, from.dz);
  assign(to.chi2, from.chi2);
  assign(to.ndof, from.ndof);
  assign(to.score, from.score);
  assign(to.quality, from.quality);
  assign(to.vertex, from.vertex);
  to.covariance.resize(from.phi.size());
  for (std::size_t t = 0; t < from.phi.size(); ++t)
    std::copy_n(from.covariance.begin() + t * kCovarianceSize, kCovarianceSize, to.covariance[t].begin());
  return to;
}

Vertices vertices_of(const patatrack::PipelineOutput& from, Span<const BeamSpot> beam_spot) {
  const Offsets events = from.vertices.events;
  Vertices to;
  assign(to.event_offsets, events.at);
  for (Index e = 0; e < events.rows(); ++e)
    for (Index v = events.begin(e); v < events.end(e); ++v) {
      to.x.push_back(beam_spot[e].x);
      to.y.push_back(beam_spot[e].y);
      to.z.push_back(from.vertices.z[v] + beam_spot[e].z);
    }
  assign(to.var_z, from.vertices.var_z);
  assign(to.n_tracks, from.vertices.n_tracks);
  assign(to.sum_pt2, from.vertices.sum_pt2);
  assign(to.chi2, from.vertices.chi2);
  return to;
}

Status status_of(const CudaError& error) {
  if (error.sticky()) return unavailable(std::string("device lost: ") + error.what());
  if (error.code() == cudaErrorMemoryAllocation) return resource_exhausted(error.what());
  return internal_error(error.what());
}

/// A device, as it is chosen before anything else of CUDA's is made on this thread.
struct Device {
  explicit Device(int number_) : number(number_) {
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
class CudaEngine final : public Engine {
 public:
  CudaEngine(const Detector& detector, const patatrack::Config& config, const EngineOptions& options)
      : device_(options.device),
        config_(config),
        detector_arena_(memory_, options.memory_budget),
        detector_(send_detector(detector)),
        arena_(memory_, options.memory_budget - std::min(options.memory_budget, detector_arena_.high_water())),
        exec_(arena_, stream_.get()) {}

  Result<BatchResult> run(const HitBatch& batch) override {
    try {
      device_.use();
      return reconstruct(batch);
    } catch (const OutOfArena& error) {
      return failed(resource_exhausted(error.what()));
    } catch (const std::bad_alloc&) {
      return failed(resource_exhausted("this machine is out of memory"));
    } catch (const CudaError& error) {
      return failed(status_of(error));
    }
  }

  std::string backend() const override { return "cuda"; }
  std::string device() const override { return device_.name + ", device " + std::to_string(device_.number); }

 private:
  DetectorView send_detector(const Detector& detector) {
    CudaExec exec(detector_arena_, stream_.get());
    const DetectorView view = upload(exec, copy_in_, detector.view());
    // also finds out here, not in the first batch, whether this build holds code for the device
    fill(exec, exec.scratch<Index>(1), Index{0});
    cuda_check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
    return view;
  }

  Status failed(Status why) {
    (void)cudaStreamSynchronize(stream_.get());  // what was launched still reads the buffers
    exec_.forget_stages();
    return why;
  }

  BatchResult reconstruct(const HitBatch& batch) {
    arena_.reset();
    exec_.clock().clear();
    started_.record(stream_.get());
    const HitBatch hits = upload(exec_, copy_in_, batch);
    copied_in_.record(stream_.get());
    const patatrack::PipelineOutput output = run_pipeline(exec_, hits, detector_, config_);
    exec_.end_stages();
    computed_.record(stream_.get());
    const patatrack::PipelineOutput answer = download(exec_, copy_out_, output);
    copied_out_.record(stream_.get());
    copied_out_.wait();

    BatchResult result;
    result.tracks = tracks_of(answer);
    result.vertices = vertices_of(answer, batch.beam_spot);
    assign(result.counters, answer.counters);
    exec_.collect_times();
    for (const auto& row : exec_.clock().rows()) result.stages.push_back({row.stage, row.time});
    result.copy_in = elapsed(started_, copied_in_);
    result.compute = elapsed(copied_in_, computed_);
    result.copy_out = elapsed(computed_, copied_out_);
    return result;
  }

  const Device device_;  // first: all that follows is made on it
  const patatrack::Config config_;
  DeviceMemory memory_;
  Stream stream_;
  Event started_, copied_in_, computed_, copied_out_;
  PinnedBuffer copy_in_, copy_out_;
  Arena detector_arena_;  // holds the detector, never reset
  DetectorView detector_;
  Arena arena_;
  CudaExec exec_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_cuda_engine(const Detector& detector, const patatrack::Config& config,
                                                 const EngineOptions& options) {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  (void)cudaGetLastError();
  if (code != cudaSuccess) return unavailable(std::string("no usable CUDA device: ") + cudaGetErrorString(code));
  if (options.device < 0 || options.device >= count)
    return unavailable("no CUDA device " + std::to_string(options.device) + ", there are " + std::to_string(count));
  try {
    return std::unique_ptr<Engine>(std::make_unique<CudaEngine>(detector, config, options));
  } catch (const OutOfArena& error) {
    return resource_exhausted(std::string("the geometry does not fit: ") + error.what());
  } catch (const CudaError& error) {
    return unavailable("CUDA device " + std::to_string(options.device) + " cannot be used: " + error.what());
  }
}

int cuda_device_count() {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  (void)cudaGetLastError();
  return code == cudaSuccess ? count : 0;
}

}  // namespace helix
