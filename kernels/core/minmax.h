#pragma once

#include "kernels/core/hd.h"

namespace helix {

// One instruction each, also in vectors: std::min and std::max promise more about references and NaN than is needed.
HELIX_HD float smaller(float a, float b) { return a < b ? a : b; }
HELIX_HD float larger(float a, float b) { return a > b ? a : b; }

}  // namespace helix
