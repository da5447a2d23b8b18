#pragma once

#include "kernels/core/status.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace helix::validation {

/// Simulated particles in rising order of particle_id. Columns have one entry a particle.
struct Particles {
  std::vector<std::int64_t> id;
  std::vector<double> vx, vy, vz;       // mm, where it was made
  std::vector<double> px, py, pz;       // GeV, there
  std::vector<double> q;                // elementary charges
  std::vector<std::int64_t> vertex_id;  // of its interaction; empty: not known

  std::size_t size() const { return id.size(); }
};

/// Interactions.
struct TrueVertices {
  std::vector<std::int64_t> id;
  std::vector<double> x, y, z;  // mm; x and y empty: not known
  std::vector<char> is_signal;

  std::size_t size() const { return id.size(); }
};

/// What really happened in an event.
struct TruthEvent {
  std::vector<std::int64_t> hit_id;        // [hits] rising
  std::vector<std::int32_t> hit_particle;  // [hits] row in particles, -1: noise
  std::vector<double> hit_weight;          // [hits] TrackML's
  Particles particles;
  std::vector<std::int32_t> n_hits, n_layers;  // [particles] hits, distinct layers hit
  std::optional<TrueVertices> vertices;
};

/// Reads <prefix>-hits.csv, -truth.csv, -particles.csv and, where it is there, -vertices.csv; each may end in .gz.
/// errors: not_found; invalid_argument that names file, line and column
Result<TruthEvent> read_truth(const std::string& prefix);

/// Parameters of the true helices at their closest approach to the line along z through the beam spot; [particles].
struct TrueParameters {
  std::vector<double> pt, phi, cot_theta, dxy, dz, eta;
  std::vector<double> radius;  // mm, of the point where it was made
};
/// field T, along z; beam_spot mm
TrueParameters true_parameters(const Particles& particles, double field, const std::array<double, 3>& beam_spot);

/// `angle` moved by whole turns into [-pi, pi).
double wrap_angle(double angle);

}  // namespace helix::validation
