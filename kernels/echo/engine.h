#pragma once

#include "kernels/engine.h"
#include "kernels/geometry/detector.h"

namespace helix::echo {

/// What stands for the geometry of hits that are not looked at: without modules.
Detector no_geometry();

/// SHA-256 of no settings.
std::string settings_digest();

/// Does no work, so that what is left to measure is the service: one track an event, made of all its hits in their
/// order (every hit's label is 0); parameters 0, quality tight, no vertices. An event without hits has no track.
std::unique_ptr<Engine> make_engine();

}  // namespace helix::echo
