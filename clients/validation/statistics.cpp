#include "clients/validation/statistics.h"

#include <algorithm>
#include <cmath>

namespace helix::validation {
namespace {

constexpr double kLow = 15.85, kMiddle = 50, kHigh = 84.15;
constexpr std::size_t kLeastForCore = 10;
constexpr double kCutRms = 0.8796;  // rms of a unit Gaussian inside two sigma

std::vector<double> sorted_finite(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  std::sort(values.begin(), values.end());
  return values;
}

struct Moments {
  double mean, rms;
};

/// Of the values closer to `middle` than `reach`.
Moments moments_inside(const std::vector<double>& values, double middle, double reach) {
  double n = 0, sum = 0, squares = 0;
  const auto inside = [&](double v) { return std::abs(v - middle) < reach; };
  for (double v : values)
    if (inside(v)) n += 1, sum += v;
  const double mean = sum / n;
  for (double v : values)
    if (inside(v)) squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / n)};
}

std::optional<double> core_of_sorted(const std::vector<double>& values) {
  if (values.size() < kLeastForCore) return std::nullopt;
  double middle = percentile(values, kMiddle);
  double width = 0.5 * (percentile(values, kHigh) - percentile(values, kLow));
  if (width == 0) return 0.0;
  for (int round = 0; round < 3; ++round) {
    const Moments moments = moments_inside(values, middle, 2 * width);
    middle = moments.mean;
    width = moments.rms / kCutRms;
  }
  return width;
}

}  // namespace

double percentile(const std::vector<double>& sorted, double percent) {
  const double at = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(at));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double a = sorted[below], b = sorted[above], t = at - std::floor(at);
  // From the nearer end, so that a value on a neighbour is that neighbour exactly.
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

std::optional<double> core_width(std::vector<double> values) {
  return core_of_sorted(sorted_finite(std::move(values)));
}

std::optional<Distribution> describe(std::vector<double> values) {
  values = sorted_finite(std::move(values));
  if (values.empty()) return std::nullopt;
  const double low = percentile(values, kLow), high = percentile(values, kHigh);
  Distribution d;
  d.n = values.size();
  d.median = percentile(values, kMiddle);
  d.sigma68 = 0.5 * (high - low);
  d.core = core_of_sorted(values);
  const double far = 2.5 * std::max(high - low, 1e-12);
  const auto tail = std::count_if(values.begin(), values.end(), [&](double v) { return std::abs(v - d.median) > far; });
  d.tail_beyond_5_sigma68 = static_cast<double>(tail) / static_cast<double>(d.n);
  return d;
}

std::optional<double> Binned::rate(std::size_t bin) const {
  if (total[bin] == 0) return std::nullopt;
  return static_cast<double>(passed[bin]) / static_cast<double>(total[bin]);
}

Binned bin(const std::vector<double>& values, const std::vector<char>& passed, const std::vector<double>& edges) {
  Binned out{edges, std::vector<std::int64_t>(edges.size() - 1), std::vector<std::int64_t>(edges.size() - 1)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] >= edges.front() && values[i] <= edges.back())) continue;
    const auto above = std::upper_bound(edges.begin(), edges.end(), values[i]) - edges.begin();
    const auto row = std::min(static_cast<std::size_t>(above) - 1, out.total.size() - 1);
    ++out.total[row];
    out.passed[row] += passed[i] ? 1 : 0;
  }
  return out;
}

}  // namespace helix::validation
