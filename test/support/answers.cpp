#include "test/support/answers.h"

#include <stdexcept>

namespace helix::test {

EventAnswer answer_of(const BatchResult& result, Index event) {
  const Tracks& t = result.tracks;
  const Vertices& v = result.vertices;
  const auto e = static_cast<std::size_t>(event);
  const auto bits = [](float x) { return std::bit_cast<std::uint32_t>(x); };
  EventAnswer answer;
  for (auto k = static_cast<std::size_t>(t.event_offsets[e]); k < static_cast<std::size_t>(t.event_offsets[e + 1]);
       ++k) {
    TrackBits row{};
    row.hits.assign(t.hit.begin() + t.hit_offsets[k], t.hit.begin() + t.hit_offsets[k + 1]);
    row.values = {bits(t.phi[k]), bits(t.dxy[k]),  bits(t.q_over_pt[k]), bits(t.cot_theta[k]),
                  bits(t.dz[k]),  bits(t.chi2[k]), bits(t.score[k])};
    for (std::size_t c = 0; c < kCovarianceSize; ++c) row.values[7 + c] = bits(t.covariance[k][c]);
    row.ndof = t.ndof[k];
    row.quality = t.quality[k];
    row.vertex = t.vertex[k];
    answer.tracks.push_back(row);
  }
  for (auto k = static_cast<std::size_t>(v.event_offsets[e]); k < static_cast<std::size_t>(v.event_offsets[e + 1]); ++k)
    answer.vertices.push_back(
        {{bits(v.x[k]), bits(v.y[k]), bits(v.z[k]), bits(v.var_z[k]), bits(v.sum_pt2[k]), bits(v.chi2[k])},
         v.n_tracks[k]});
  const EventCounters& c = result.counters[e];
  answer.counters = {c.hits, c.doublets, c.cells, c.tuples, c.tracks, c.vertices};
  return answer;
}

std::vector<EventAnswer> answers_of(const BatchResult& result) {
  std::vector<EventAnswer> answers;
  for (std::size_t e = 0; e < result.counters.size(); ++e) answers.push_back(answer_of(result, static_cast<Index>(e)));
  return answers;
}

Detector read_detector(const std::string& folder) {
  Result<Detector> detector = load_detector(HELIX_SOURCE_DIR "/" + folder);
  if (!detector.ok()) throw std::runtime_error(detector.status().message());
  return std::move(detector).value();
}

const Detector& phase1() {
  static const Detector detector = read_detector("config/geometry/phase1");
  return detector;
}

OwnedBatch sample_events(const std::string& folder, std::size_t max_events) {
  return read_batch(HELIX_SOURCE_DIR "/test/data/events/" + folder, phase1(), max_events);
}

BatchResult reconstruct(const Detector& detector, const OwnedBatch& batch, const EngineOptions& options,
                        const patatrack::Config& config) {
  auto result = make_cpu_engine(detector, config, options)->run(batch.view());
  if (!result.ok()) throw std::runtime_error(result.status().message());
  return std::move(result).value();
}

}  // namespace helix::test
