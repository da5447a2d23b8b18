#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace helix::validation {

/// The value below which `percent` of the values lie, by linear interpolation between neighbours (as numpy has it).
/// `sorted` rising and not empty.
double percentile(const std::vector<double>& sorted, double percent);

/// Width of the core of a distribution: from half of its central 68.3 %, three times the rms inside two of those,
/// corrected for the cut. Empty for fewer than 10 values; values that are not finite are left out.
std::optional<double> core_width(std::vector<double> values);

/// A distribution in five numbers; values that are not finite are left out.
struct Distribution {
  std::size_t n = 0;
  double median = 0;
  double sigma68 = 0;                // half of the central 68.3 %
  std::optional<double> core;        // core_width
  double tail_beyond_5_sigma68 = 0;  // share of values further than that from the median
};
/// Empty where no value is finite.
std::optional<Distribution> describe(std::vector<double> values);

/// How many values are in each bin, and how many of these passed. The last bin holds its upper edge too.
struct Binned {
  std::vector<double> edges;                // [bins + 1]
  std::vector<std::int64_t> total, passed;  // [bins]

  std::optional<double> rate(std::size_t bin) const;
};
Binned bin(const std::vector<double>& values, const std::vector<char>& passed, const std::vector<double>& edges);

}  // namespace helix::validation
