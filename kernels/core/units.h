#pragma once

namespace helix {

/// pt [GeV] = kGevPerTeslaMm * field [T] * radius [mm]
inline constexpr float kGevPerTeslaMm = 0.299792458e-3f;

}  // namespace helix
