#pragma once

#include "kernels/event/tracks.h"

#include <cstdint>

namespace helix {

/// The tracks of at least this quality, in their order.
Tracks with_quality(const Tracks& tracks, std::uint32_t least);

}  // namespace helix
