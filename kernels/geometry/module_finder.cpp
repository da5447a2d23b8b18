// Which modules can a track cross that meets the layer's nominal surface in a given cell?
//
// The simple version: follow lines from the beam line through every point of a module to the surface, and enter the
// module in the cells where they arrive. Here a module, larger by a margin on each side, is cut into patches small
// against a cell; the four corners of a patch, seen from both ends of the beam line, bound where its lines arrive.
#include "kernels/geometry/module_finder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace helix {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kBeamHalfLength = 200;  // mm
// Covers what straight lines from the beam line leave out between module and surface: bending (0.4 mm at 0.45 GeV for
// the largest steps within a layer), displaced tracks, scattering.
constexpr double kMargin = 3;  // mm
constexpr int kMaxPatches = 64;

struct Range {
  double low = 1e30, high = -1e30;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

struct Point {
  double r, phi, z;
};

Point point_of(const Module& m, double u, double v) {
  std::array<double, 3> p;
  for (int i = 0; i < 3; ++i) p[i] = m.center[i] + u * m.u[i] + v * m.v[i];
  return {std::hypot(p[0], p[1]), std::atan2(p[1], p[0]), p[2]};
}

double near(double phi, double reference) { return phi - 2 * kPi * std::round((phi - reference) / (2 * kPi)); }

/// Where lines from the beam line through a point meet the layer's surface: range of the coordinate.
void add_crossings(const Layer& layer, const Point& p, Range& coordinate) {
  if (layer.kind == LayerKind::barrel) {
    const double stretch = layer.position / std::max(p.r, 1e-3);
    for (double z0 : {-kBeamHalfLength, kBeamHalfLength}) coordinate.add(z0 + (p.z - z0) * stretch);
    return;
  }
  // Disc: lines from beside or beyond the disc don't count; keep the origin on the near side of it.
  const double reach = std::min(kBeamHalfLength, 0.75 * std::min(std::abs(p.z), std::abs(double{layer.position})));
  for (double z0 : {-reach, reach}) coordinate.add(p.r * (layer.position - z0) / (p.z - z0));
}

class LayerGrid {
 public:
  explicit LayerGrid(const Layer& layer)
      : layer_(layer), step_((double{layer.coordinate_max} - layer.coordinate_min) / kGridCoordinate) {}

  /// Cells of a module, ascending.
  std::vector<Index> cells_of(const Module& m) const {
    std::vector<char> hit(kGridPhi * kGridCoordinate);
    const double half_u = m.half_u + kMargin, half_v = m.half_v + kMargin;
    const int n_u = patches(half_u), n_v = patches(half_v);
    for (int i = 0; i < n_u; ++i)
      for (int j = 0; j < n_v; ++j) {
        const double du = 2 * half_u / n_u, dv = 2 * half_v / n_v;
        mark(m, i * du - half_u, j * dv - half_v, du, dv, hit);
      }
    std::vector<Index> cells;
    for (std::size_t cell = 0; cell < hit.size(); ++cell)
      if (hit[cell]) cells.push_back(static_cast<Index>(cell));
    return cells;
  }

 private:
  int patches(double half) const {
    const double r = std::max<double>(layer_.r_min, 1);
    const double finest = 0.5 * std::min(step_, 2 * kPi * r / kGridPhi);
    return static_cast<int>(std::clamp(std::ceil(2 * half / finest), 1.0, double{kMaxPatches}));
  }

  void mark(const Module& m, double u, double v, double du, double dv, std::vector<char>& hit) const {
    Range phi, coordinate;
    const double reference = point_of(m, u + du / 2, v + dv / 2).phi;
    for (double a : {0.0, 1.0})
      for (double b : {0.0, 1.0}) {
        const Point p = point_of(m, u + a * du, v + b * dv);
        phi.add(near(p.phi, reference));
        add_crossings(layer_, p, coordinate);
      }
    const int low = row_of(coordinate.low), high = row_of(coordinate.high);
    const int first = static_cast<int>(std::floor((phi.low + kPi) * kGridPhi / (2 * kPi)));
    const int last = static_cast<int>(std::floor((phi.high + kPi) * kGridPhi / (2 * kPi)));
    for (int i = first; i <= last; ++i)
      for (int j = low; j <= high; ++j) hit[((i + kGridPhi) % kGridPhi) * kGridCoordinate + j] = 1;
  }

  /// What arrives beyond the ends belongs to the last cells, so that a caller may clamp.
  int row_of(double coordinate) const {
    return static_cast<int>(
        std::clamp(std::floor((coordinate - layer_.coordinate_min) / step_), 0.0, double{kGridCoordinate - 1}));
  }

  const Layer& layer_;
  double step_;
};

}  // namespace

void build_module_finder(Detector& detector) {
  constexpr Index kCells = kGridPhi * kGridCoordinate;
  std::vector<LayerGrid> grids;
  for (std::size_t l = 0; l < detector.layers.size(); ++l) {
    detector.layers[l].grid_first = static_cast<std::int32_t>(l) * kCells;
    grids.emplace_back(detector.layers[l]);
  }
  std::vector<std::vector<std::int32_t>> rows(detector.layers.size() * kCells);
  for (std::size_t m = 0; m < detector.modules.size(); ++m) {
    const Module& module = detector.modules[m];
    if (module.layer < 0) continue;
    for (Index cell : grids[module.layer].cells_of(module))
      rows[detector.layers[module.layer].grid_first + cell].push_back(static_cast<std::int32_t>(m));
  }
  detector.grid.assign(1, 0);
  detector.grid_modules.clear();
  for (const auto& row : rows) {
    detector.grid_modules.insert(detector.grid_modules.end(), row.begin(), row.end());
    detector.grid.push_back(static_cast<Index>(detector.grid_modules.size()));
  }
}

}  // namespace helix
