#include "test/bench/baseline.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace helix::bench {

double sort_and_sum(const std::vector<float>& phi, const std::vector<float>& value, float window) {
  std::vector<std::uint32_t> order(phi.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return phi[a] < phi[b]; });
  std::vector<float> sorted_phi, sorted_value;
  sorted_phi.reserve(phi.size());
  sorted_value.reserve(phi.size());
  for (const std::uint32_t i : order) sorted_phi.push_back(phi[i]), sorted_value.push_back(value[i]);
  double all = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < sorted_phi.size(); ++i) {
    while (sorted_phi[i] - sorted_phi[first] > window) ++first;
    float sum = 0;
    for (std::size_t k = first; k < i; ++k) sum += sorted_value[k] * (sorted_phi[i] - sorted_phi[k]);
    all += sum;
  }
  return all;
}

}  // namespace helix::bench
