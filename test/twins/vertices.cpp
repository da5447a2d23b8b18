#include "test/twins/vertices.h"

#include <algorithm>

namespace helix::twins {
namespace {

FoundVertex mean_of(const std::vector<VertexTrack>& tracks, double floor) {
  FoundVertex vertex{};
  double weights = 0, sum = 0;
  for (const auto& track : tracks) {
    const double weight = 1 / (track.var_z + floor * floor);
    weights += weight;
    sum += weight * track.z;
    vertex.sum_pt2 += track.pt2;
    ++vertex.n_tracks;
  }
  vertex.z = sum / weights;
  vertex.var_z = 1 / weights;
  for (const auto& track : tracks)
    vertex.chi2 += (track.z - vertex.z) * (track.z - vertex.z) / (track.var_z + floor * floor);
  return vertex;
}

}  // namespace

std::vector<FoundVertex> cluster_by_gaps(std::vector<VertexTrack> tracks, double gap,
                                         const patatrack::VertexConfig& config) {
  std::sort(tracks.begin(), tracks.end(), [](const auto& a, const auto& b) { return a.z < b.z; });
  std::vector<FoundVertex> vertices;
  std::vector<VertexTrack> cluster;
  const auto close = [&] {
    if (static_cast<Index>(cluster.size()) >= config.min_tracks) vertices.push_back(mean_of(cluster, config.floor));
    cluster.clear();
  };
  for (const auto& track : tracks) {
    if (!cluster.empty() && track.z - cluster.back().z > gap) close();
    cluster.push_back(track);
  }
  close();
  std::sort(vertices.begin(), vertices.end(), [](const auto& a, const auto& b) { return a.sum_pt2 > b.sum_pt2; });
  return vertices;
}

}  // namespace helix::twins
