#pragma once

#include <vector>

namespace helix::bench {

/// A known amount of work of the kind that the pipeline does, to set times of different machines against each other:
/// sorts n azimuths, then sums for each the values of its neighbours in a window. Returns the sum of all sums.
double sort_and_sum(const std::vector<float>& phi, const std::vector<float>& value, float window);

}  // namespace helix::bench
