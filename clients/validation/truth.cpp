#include "clients/validation/truth.h"

#include "kernels/core/csv.h"
#include "kernels/core/file.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace helix::validation {
namespace {

using Rows = std::vector<std::size_t>;

Rows order_by(const std::vector<std::int64_t>& key) {
  Rows rows(key.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return key[a] < key[b]; });
  return rows;
}

template <class T>
void reorder(std::vector<T>& column, const Rows& rows) {
  if (column.empty()) return;
  std::vector<T> sorted(column.size());
  for (std::size_t i = 0; i < rows.size(); ++i) sorted[i] = column[rows[i]];
  column = std::move(sorted);
}

/// Row of `value` in a rising column, or -1.
std::int64_t find_row(const std::vector<std::int64_t>& sorted, std::int64_t value) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), value);
  return at != sorted.end() && *at == value ? at - sorted.begin() : -1;
}

Status read_csv(CsvReader& csv, const std::string& path) {
  Result<std::string> found = find_file(path);
  return found.ok() ? csv.read(*found) : found.status();
}

Status read_hits(const std::string& path, TruthEvent& event, std::vector<std::int64_t>& layer) {
  std::vector<std::int64_t> volume;
  CsvReader csv("TrackML hits file");
  csv.need("hit_id", &event.hit_id).need("volume_id", &volume).need("layer_id", &layer);
  if (Status status = read_csv(csv, path); !status.ok()) return status;
  for (std::size_t i = 0; i < layer.size(); ++i) layer[i] += 1000 * volume[i];
  const Rows rows = order_by(event.hit_id);
  reorder(event.hit_id, rows);
  reorder(layer, rows);
  return {};
}

Status read_particles(const std::string& path, Particles& p) {
  CsvReader csv("TrackML particles file");
  csv.need("particle_id", &p.id).need("vx", &p.vx).need("vy", &p.vy).need("vz", &p.vz);
  csv.need("px", &p.px).need("py", &p.py).need("pz", &p.pz).need("q", &p.q).take("vertex_id", &p.vertex_id);
  if (Status status = read_csv(csv, path); !status.ok()) return status;
  const Rows rows = order_by(p.id);
  reorder(p.id, rows);
  for (auto* column : {&p.vx, &p.vy, &p.vz, &p.px, &p.py, &p.pz, &p.q}) reorder(*column, rows);
  reorder(p.vertex_id, rows);
  return {};
}

Status read_hit_truth(const std::string& path, TruthEvent& event) {
  std::vector<std::int64_t> hit_id, particle_id;
  std::vector<double> weight;
  CsvReader csv("TrackML truth file");
  csv.need("hit_id", &hit_id).need("particle_id", &particle_id).take("weight", &weight);
  if (Status status = read_csv(csv, path); !status.ok()) return status;
  event.hit_particle.assign(event.hit_id.size(), -1);
  event.hit_weight.assign(event.hit_id.size(), 0);
  for (std::size_t i = 0; i < hit_id.size(); ++i) {
    const std::int64_t hit = find_row(event.hit_id, hit_id[i]);
    if (hit < 0)
      return invalid_argument(path + ":" + std::to_string(csv.line(i)) + ": hit_id " + std::to_string(hit_id[i]) +
                              " is not in the hits file");
    if (particle_id[i] != 0)
      event.hit_particle[hit] = static_cast<std::int32_t>(find_row(event.particles.id, particle_id[i]));
    if (!weight.empty()) event.hit_weight[hit] = weight[i];
  }
  return {};
}

void count_hits_and_layers(TruthEvent& event, const std::vector<std::int64_t>& layer) {
  event.n_hits.assign(event.particles.size(), 0);
  event.n_layers.assign(event.particles.size(), 0);
  std::vector<std::pair<std::int32_t, std::int64_t>> seen;
  for (std::size_t hit = 0; hit < layer.size(); ++hit)
    if (event.hit_particle[hit] >= 0) {
      ++event.n_hits[event.hit_particle[hit]];
      seen.emplace_back(event.hit_particle[hit], layer[hit]);
    }
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (const auto& [particle, unused] : seen) ++event.n_layers[particle];
}

Status read_vertices(const std::string& path, std::optional<TrueVertices>& vertices) {
  const Result<std::string> found = find_file(path);
  if (!found.ok()) return found.status().code() == Code::not_found ? Status() : found.status();
  TrueVertices v;
  std::vector<std::int64_t> signal;
  CsvReader csv("true vertices file");
  csv.need("vertex_id", &v.id).need("z", &v.z).take("x", &v.x).take("y", &v.y).take("is_signal", &signal);
  if (Status status = csv.read(*found); !status.ok()) return status;
  v.is_signal.assign(v.size(), 0);
  for (std::size_t i = 0; i < signal.size(); ++i) v.is_signal[i] = signal[i] == 1;
  vertices = std::move(v);
  return {};
}

}  // namespace

Result<TruthEvent> read_truth(const std::string& prefix) {
  TruthEvent event;
  std::vector<std::int64_t> layer;
  if (Status status = read_hits(prefix + "-hits.csv", event, layer); !status.ok()) return status;
  if (Status status = read_particles(prefix + "-particles.csv", event.particles); !status.ok()) return status;
  if (Status status = read_hit_truth(prefix + "-truth.csv", event); !status.ok()) return status;
  if (Status status = read_vertices(prefix + "-vertices.csv", event.vertices); !status.ok()) return status;
  count_hits_and_layers(event, layer);
  return event;
}

double wrap_angle(double angle) {
  constexpr double pi = std::numbers::pi;
  double turned = std::fmod(angle + pi, 2 * pi);
  if (turned < 0) turned += 2 * pi;
  return turned - pi;
}

TrueParameters true_parameters(const Particles& p, double field, const std::array<double, 3>& beam_spot) {
  constexpr double kGevPerTeslaMm = 0.299792458e-3;
  TrueParameters out;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double x = p.vx[i] - beam_spot[0], y = p.vy[i] - beam_spot[1], z = p.vz[i] - beam_spot[2];
    const double pt = std::hypot(p.px[i], p.py[i]), phi = std::atan2(p.py[i], p.px[i]);
    const double charge = p.q[i] == 0 ? 1e-9 : p.q[i];  // a neutral particle goes (nearly) straight
    const double kappa = -charge * kGevPerTeslaMm * field / std::max(pt, 1e-9);  // d phi / d path
    const double sign = kappa > 0 ? 1 : -1;
    const double center_x = x - std::sin(phi) / kappa, center_y = y + std::cos(phi) / kappa;
    // At the point nearest the beam line the track is perpendicular to the line to the circle's centre.
    const double phi0 = std::atan2(-center_x * sign, center_y * sign);
    const double cot = p.pz[i] / std::max(pt, 1e-9);
    out.pt.push_back(pt);
    out.phi.push_back(phi0);
    out.cot_theta.push_back(cot);
    out.dxy.push_back((std::hypot(center_x, center_y) - 1 / std::abs(kappa)) * sign);
    out.dz.push_back(z + cot * wrap_angle(phi0 - phi) / kappa);
    out.eta.push_back(std::asinh(cot));
    out.radius.push_back(std::hypot(p.vx[i], p.vy[i]));
  }
  return out;
}

}  // namespace helix::validation
