#include "test/wire/fake_engine.h"

#include <stdexcept>

namespace helix::wire_test {
namespace {

constexpr std::chrono::seconds kPatience{20};

void add_track(Tracks& tracks, const HitBatch& batch, Index event) {
  float sum = 0;
  for (Index hit = batch.events.begin(event); hit < batch.events.end(event); ++hit) {
    tracks.hit.push_back(hit - batch.events.begin(event));
    sum += batch.x[hit];
  }
  tracks.hit_offsets.push_back(static_cast<Index>(tracks.hit.size()));
  for (auto* column : {&tracks.phi, &tracks.dxy, &tracks.q_over_pt, &tracks.cot_theta, &tracks.score})
    column->push_back(1);
  tracks.dz.push_back(batch.beam_spot[event].z);
  tracks.covariance.emplace_back().fill(0.5f);
  tracks.chi2.push_back(sum);
  tracks.ndof.push_back(3);
  tracks.quality.push_back(static_cast<std::uint8_t>(Quality::loose));
  tracks.vertex.push_back(0);
  tracks.event_offsets.push_back(tracks.n_tracks());
}

void add_vertex(Vertices& vertices, const BeamSpot& spot) {
  vertices.x.push_back(spot.x);
  vertices.y.push_back(spot.y);
  vertices.z.push_back(spot.z);
  for (auto* column : {&vertices.var_z, &vertices.sum_pt2, &vertices.chi2}) column->push_back(2);
  vertices.n_tracks.push_back(1);
  vertices.event_offsets.push_back(vertices.n_vertices());
}

}  // namespace

void EngineScript::hold() {
  const std::scoped_lock lock(mutex_);
  held_ = true;
}

void EngineScript::let_go() {
  const std::scoped_lock lock(mutex_);
  held_ = false;
  changed_.notify_all();
}

bool EngineScript::wait_for_batches(std::size_t n) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return batches_.size() >= n; });
}

std::vector<Index> EngineScript::batches() const {
  const std::scoped_lock lock(mutex_);
  return batches_;
}

void EngineScript::set_warm_up(Status answer) {
  const std::scoped_lock lock(mutex_);
  warm_up_ = std::move(answer);
}

Status EngineScript::warm_up() const {
  const std::scoped_lock lock(mutex_);
  return warm_up_;
}

int EngineScript::engines() const {
  const std::scoped_lock lock(mutex_);
  return engines_;
}

void EngineScript::count_engine(int n) {
  const std::scoped_lock lock(mutex_);
  engines_ += n;
}

void EngineScript::enter(Index n_events) {
  std::unique_lock lock(mutex_);
  batches_.push_back(n_events);
  changed_.notify_all();
  changed_.wait_for(lock, kPatience, [&] { return !held_; });
}

Result<BatchResult> FakeEngine::run(const HitBatch& batch) {
  script_.enter(batch.n_events());
  for (const float x : batch.x) {
    if (x == EngineScript::kFailing) return resource_exhausted("stage doublets needs 5 bytes, budget 4");
    if (x == EngineScript::kThrowing) throw std::logic_error("a bug in a stage");
    if (x == EngineScript::kLosing) return unavailable("device lost");
  }
  BatchResult result;
  result.tracks.event_offsets = result.tracks.hit_offsets = result.vertices.event_offsets = {0};
  for (Index event = 0; event < batch.n_events(); ++event) {
    add_track(result.tracks, batch, event);
    add_vertex(result.vertices, batch.beam_spot[event]);
    result.counters.push_back({.hits = batch.events.size(event), .tracks = 1, .vertices = 1});
  }
  result.stages = {{"fake", std::chrono::nanoseconds(7)}};
  result.compute = std::chrono::nanoseconds(7);
  return result;
}

server::EngineFactory fake_engines(EngineScript& script, int lanes) {
  return [&script, lanes](const Detector&, const server::Options&) -> Result<server::Engines> {
    server::Engines engines;
    for (int lane = 0; lane < lanes; ++lane) engines.push_back(std::make_unique<FakeEngine>(script));
    return engines;
  };
}

}  // namespace helix::wire_test
