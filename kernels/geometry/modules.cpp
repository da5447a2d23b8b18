#include "kernels/core/csv.h"
#include "kernels/geometry/geometry_files.h"

#include <array>
#include <cmath>
#include <unordered_set>

namespace helix {
namespace {

// TrackML rounds axes to as few as four digits.
constexpr double kAxisTolerance = 2e-3;

using Vector = std::array<double, 3>;

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

struct Columns {
  std::vector<std::uint32_t> volume, layer, module;
  std::array<std::vector<double>, 3> center;
  std::array<std::array<std::vector<double>, 3>, 3> axis;  // [u v w][x y z]
  std::vector<double> min_half_u, max_half_u, half_v;
  std::vector<std::int64_t> index;

  CsvReader reader() {
    CsvReader csv("TrackML detectors file");
    csv.need("volume_id", &volume).need("layer_id", &layer).need("module_id", &module);
    for (int i = 0; i < 3; ++i) csv.need(std::string("c") + "xyz"[i], &center[i]);
    for (int i = 0; i < 3; ++i)
      for (int a = 0; a < 3; ++a) csv.need(std::string("rot_") + "xyz"[i] + "uvw"[a], &axis[a][i]);
    csv.need("module_minhu", &min_half_u).need("module_maxhu", &max_half_u).need("module_hv", &half_v);
    csv.take("module_index", &index);
    return csv;
  }

  Vector axis_of(int a, std::size_t row) const { return {axis[a][0][row], axis[a][1][row], axis[a][2][row]}; }
};

/// What is wrong with the axes of a module, or "".
std::string trouble_with_axes(const Vector& u, const Vector& v, const Vector& w) {
  const Vector* axes[3] = {&u, &v, &w};
  for (int a = 0; a < 3; ++a)
    if (std::abs(dot(*axes[a], *axes[a]) - 1) > kAxisTolerance)
      return std::string("columns rot_x") + "uvw"[a] + ", rot_y" + "uvw"[a] + ", rot_z" + "uvw"[a] +
             ": length of axis is not 1 but " + std::to_string(std::sqrt(dot(*axes[a], *axes[a])));
  if (std::abs(dot(u, v)) > kAxisTolerance || std::abs(dot(u, w)) > kAxisTolerance ||
      std::abs(dot(v, w)) > kAxisTolerance)
    return "columns rot_xu .. rot_zw: axes u, v, w are not at right angles";
  if (dot(cross(u, v), w) < 0) return "columns rot_xu .. rot_zw: axes u, v, w are left-handed";
  return "";
}

std::string trouble_with_row(const Columns& in, std::size_t row) {
  for (const auto& [name, column] :
       {std::pair{"module_minhu", &in.min_half_u}, {"module_maxhu", &in.max_half_u}, {"module_hv", &in.half_v}})
    if ((*column)[row] <= 0)
      return std::string("column ") + name + ": half a module's size is " + std::to_string((*column)[row]) + " mm";
  for (int i = 0; i < 3; ++i)
    if (std::abs(in.center[i][row]) > 1e5)
      return std::string("column c") + "xyz"[i] + ": " + std::to_string(in.center[i][row]) + " is not within +-100 m";
  if (in.volume[row] > 0xffff || in.layer[row] > 0xffff) return "columns volume_id, layer_id: not within 0 .. 65535";
  if (!in.index.empty() && in.index[row] != static_cast<std::int64_t>(row))
    return "column module_index: " + std::to_string(in.index[row]) + " is not the number of the row, " +
           std::to_string(row);
  return trouble_with_axes(in.axis_of(0, row), in.axis_of(1, row), in.axis_of(2, row));
}

ModuleRow row_of(const Columns& in, std::size_t row) {
  ModuleRow out{in.volume[row], in.layer[row], in.module[row], {}};
  for (int i = 0; i < 3; ++i) {
    out.shape.center[i] = static_cast<float>(in.center[i][row]);
    out.shape.u[i] = static_cast<float>(in.axis[0][i][row]);
    out.shape.v[i] = static_cast<float>(in.axis[1][i][row]);
    out.shape.w[i] = static_cast<float>(in.axis[2][i][row]);
  }
  out.shape.half_u = static_cast<float>(std::min(in.min_half_u[row], in.max_half_u[row]));
  out.shape.half_v = static_cast<float>(in.half_v[row]);
  out.shape.layer = -1;
  return out;
}

}  // namespace

Result<std::vector<ModuleRow>> parse_modules(const std::string& text, const std::string& path) {
  Columns columns;
  CsvReader csv = columns.reader();
  if (Status status = csv.parse(text, path); !status.ok()) return status;
  std::vector<ModuleRow> rows;
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t row = 0; row < columns.volume.size(); ++row) {
    std::string trouble = trouble_with_row(columns, row);
    if (trouble.empty() &&
        !seen.insert(module_key(columns.volume[row], columns.layer[row], columns.module[row])).second)
      trouble = "columns volume_id, layer_id, module_id: module " + std::to_string(columns.volume[row]) + ", " +
                std::to_string(columns.layer[row]) + ", " + std::to_string(columns.module[row]) + " is there twice";
    if (!trouble.empty()) return invalid_argument(path + ":" + std::to_string(csv.line(row)) + ": " + trouble);
    rows.push_back(row_of(columns, row));
  }
  if (rows.empty()) return invalid_argument(path + ": no modules");
  return rows;
}

}  // namespace helix
