#pragma once

#include "kernels/geometry/detector.h"

#include <vector>

namespace helix {

/// Fills grid and grid_modules of a detector, and grid_first of its layers, from its modules and layers.
/// Tracks may come from +-200 mm around the origin along z and from a few mm beside the beam line.
void build_module_finder(Detector& detector);

}  // namespace helix
