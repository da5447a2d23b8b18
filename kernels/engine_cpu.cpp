#include "kernels/core/exec_cpu.h"
#include "kernels/core/parallel_cpu.h"
#include "kernels/core/tasks.h"
#include "kernels/engine.h"
#include "kernels/patatrack/pipeline.h"

#include <atomic>
#include <exception>
#include <mutex>

namespace helix {
namespace {

using patatrack::run_pipeline;

template <class T>
Span<const T> part(Span<const T> column, Index begin, Index n) {
  return column.empty() ? column : column.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n));
}

/// The events first .. first + n of a batch as a batch of their own; `offsets` holds its offsets.
HitBatch cut(const HitBatch& batch, Index first, Index n, std::vector<Index>& offsets) {
  const Index begin = batch.events.begin(first), hits = batch.events.end(first + n - 1) - begin;
  offsets.clear();
  for (Index e = first; e <= first + n; ++e) offsets.push_back(batch.events.at[static_cast<std::size_t>(e)] - begin);
  return {part(batch.x, begin, hits),      part(batch.y, begin, hits),      part(batch.z, begin, hits),
          part(batch.module, begin, hits), part(batch.var_u, begin, hits),  part(batch.var_v, begin, hits),
          part(batch.size_u, begin, hits), part(batch.size_v, begin, hits), {offsets},
          part(batch.beam_spot, first, n)};
}

template <class T, class U>
void append(std::vector<T>& to, Span<const U> from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append_offsets(std::vector<Index>& to, Offsets rows) {
  if (to.empty()) to.push_back(0);
  const Index base = to.back();
  for (Index r = 0; r < rows.rows(); ++r) to.push_back(base + rows.end(r));
}

void append_tracks(Tracks& to, const PipelineOutput& from) {
  append_offsets(to.event_offsets, from.events);
  append_offsets(to.hit_offsets, from.hit_rows);
  append(to.hit, from.hit);
  append(to.phi, from.phi);
  append(to.dxy, from.dxy);
  append(to.q_over_pt, from.q_over_pt);
  append(to.cot_theta, from.cot_theta);
  append(to.dz, from.dz);
  append(to.chi2, from.chi2);
  append(to.ndof, from.ndof);
  append(to.score, from.score);
  append(to.quality, from.quality);
  append(to.vertex, from.vertex);
  for (std::size_t t = 0; t < from.phi.size(); ++t) {
    auto& covariance = to.covariance.emplace_back();
    for (int i = 0; i < kCovarianceSize; ++i)
      covariance[static_cast<std::size_t>(i)] = from.covariance[t * kCovarianceSize + static_cast<std::size_t>(i)];
  }
}

void append_vertices(Vertices& to, const PipelineOutput& from, Span<const BeamSpot> beam_spot) {
  append_offsets(to.event_offsets, from.vertices.events);
  for (Index e = 0; e < from.vertices.events.rows(); ++e)
    for (Index v = from.vertices.events.begin(e); v < from.vertices.events.end(e); ++v) {
      to.x.push_back(beam_spot[static_cast<std::size_t>(e)].x);
      to.y.push_back(beam_spot[static_cast<std::size_t>(e)].y);
      to.z.push_back(from.vertices.z[static_cast<std::size_t>(v)] + beam_spot[static_cast<std::size_t>(e)].z);
    }
  append(to.var_z, from.vertices.var_z);
  append(to.n_tracks, from.vertices.n_tracks);
  append(to.sum_pt2, from.vertices.sum_pt2);
  append(to.chi2, from.vertices.chi2);
}

/// Memory of one worker, and what it last made.
struct Worker {
  Worker(std::size_t budget, int threads) : arena(host_memory(), budget), exec(arena, threads) {}
  Arena arena;
  CpuExec exec;
  std::vector<Index> offsets;
};

/// A run of events, reconstructed: owned, so that its worker can go on.
struct Piece {
  Tracks tracks;
  Vertices vertices;
  std::vector<EventCounters> counters;
};

template <class T>
void append_vector(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append_rebased(std::vector<Index>& to, const std::vector<Index>& from) {
  if (to.empty()) to.push_back(0);
  const Index base = to.back();
  for (std::size_t r = 1; r < from.size(); ++r) to.push_back(base + from[r]);
}

void join(BatchResult& to, const Piece& from) {
  Tracks& t = to.tracks;
  append_rebased(t.event_offsets, from.tracks.event_offsets);
  append_rebased(t.hit_offsets, from.tracks.hit_offsets);
  append_vector(t.hit, from.tracks.hit);
  append_vector(t.phi, from.tracks.phi);
  append_vector(t.dxy, from.tracks.dxy);
  append_vector(t.q_over_pt, from.tracks.q_over_pt);
  append_vector(t.cot_theta, from.tracks.cot_theta);
  append_vector(t.dz, from.tracks.dz);
  append_vector(t.covariance, from.tracks.covariance);
  append_vector(t.chi2, from.tracks.chi2);
  append_vector(t.ndof, from.tracks.ndof);
  append_vector(t.score, from.tracks.score);
  append_vector(t.quality, from.tracks.quality);
  append_vector(t.vertex, from.tracks.vertex);
  Vertices& v = to.vertices;
  append_rebased(v.event_offsets, from.vertices.event_offsets);
  append_vector(v.x, from.vertices.x);
  append_vector(v.y, from.vertices.y);
  append_vector(v.z, from.vertices.z);
  append_vector(v.var_z, from.vertices.var_z);
  append_vector(v.n_tracks, from.vertices.n_tracks);
  append_vector(v.sum_pt2, from.vertices.sum_pt2);
  append_vector(v.chi2, from.vertices.chi2);
  append_vector(to.counters, from.counters);
}

/// Events are independent, so that the threads share a batch event by event, each in a memory that fits its cache:
/// the answer is the same as of one launch over the whole batch. With fewer events than threads the stages
/// themselves are shared.
class CpuEngine final : public Engine {
 public:
  CpuEngine(const Detector& detector, const patatrack::Config& config, const EngineOptions& options)
      : detector_(detector), config_(config), threads_(std::max(options.threads, 1)), tasks_(threads_) {
    const std::size_t budget = options.memory_budget;
    for (int t = 0; t < threads_; ++t)
      workers_.push_back(std::make_unique<Worker>(budget / static_cast<std::size_t>(threads_), 1));
    if (threads_ > 1) whole_ = std::make_unique<Worker>(budget, threads_);
  }

  Result<BatchResult> run(const HitBatch& batch) override {
    const auto start = std::chrono::steady_clock::now();
    BatchResult out;
    std::vector<Piece> pieces(static_cast<std::size_t>(batch.n_events()));
    try {
      clear_clocks();
      reconstruct(batch, pieces);
    } catch (const OutOfArena& error) {
      return resource_exhausted(error.what());
    } catch (const std::bad_alloc&) {
      return resource_exhausted("this machine is out of memory");
    }
    out.tracks.event_offsets = out.tracks.hit_offsets = out.vertices.event_offsets = {0};
    for (const Piece& piece : pieces) join(out, piece);
    out.compute = std::chrono::steady_clock::now() - start;
    add_stages(out);
    return out;
  }

  std::size_t memory() const override {
    std::size_t bytes = whole_ ? whole_->arena.held() : 0;
    for (const auto& worker : workers_) bytes += worker->arena.held();
    return bytes;
  }

  int events_side_by_side() const override { return threads_; }
  std::string backend() const override { return "cpu"; }
  std::string device() const override {
    return "CPU, " + std::to_string(threads_) + (threads_ == 1 ? " thread" : " threads");
  }

 private:
  void reconstruct(const HitBatch& batch, std::vector<Piece>& pieces) {
    const Index n = batch.n_events();
    if (threads_ == 1) {
      for (Index e = 0; e < n; ++e) run_event(*workers_[0], batch, e, pieces);
    } else if (n < threads_) {
      tasks_.execute([&] {
        for (Index e = 0; e < n; ++e) run_event(*whole_, batch, e, pieces);
      });
    } else {
      tasks_.execute([&] {
        std::atomic<Index> next{0};
        run_tasks(threads_, [&](Index t) {
          for (Index e = next.fetch_add(1); e < n; e = next.fetch_add(1))
            run_event(*workers_[static_cast<std::size_t>(t)], batch, e, pieces);
        });
      });
    }
  }

  void run_event(Worker& worker, const HitBatch& batch, Index event, std::vector<Piece>& pieces) const {
    worker.arena.reset();
    const HitBatch one = cut(batch, event, 1, worker.offsets);
    const PipelineOutput output = run_pipeline(worker.exec, one, detector_.view(), config_);
    Piece& piece = pieces[static_cast<std::size_t>(event)];
    append_tracks(piece.tracks, output);
    append_vertices(piece.vertices, output, one.beam_spot);
    append(piece.counters, output.counters);
    worker.exec.clock().end();
  }

  template <class Visit>
  void visit_workers(const Visit& visit) {
    for (auto& worker : workers_) visit(*worker);
    if (whole_) visit(*whole_);
  }
  void clear_clocks() {
    visit_workers([](Worker& worker) { worker.exec.clock().clear(); });
  }
  void add_stages(BatchResult& out) {
    StageClock sum;
    visit_workers([&](Worker& worker) {
      for (const auto& row : worker.exec.clock().rows()) sum.add(row.stage, row.time);
    });
    for (const auto& row : sum.rows()) out.stages.push_back({row.stage, row.time});
  }

  const Detector detector_;
  const patatrack::Config config_;
  const int threads_;
  TaskArena tasks_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Worker> whole_;  // all threads on one event
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(const Detector& detector, const patatrack::Config& config,
                                        const EngineOptions& options) {
  return std::make_unique<CpuEngine>(detector, config, options);
}

}  // namespace helix
