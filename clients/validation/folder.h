#pragma once

#include "clients/validation/scorer.h"
#include "kernels/core/status.h"

#include <string>
#include <utility>
#include <vector>

namespace helix::validation {

/// Events with truth in a folder: number and prefix, in the order of their names.
/// errors: not_found (no such folder, no event*-truth.csv in it)
Result<std::vector<std::pair<int, std::string>>> find_events(const std::string& folder);

/// Field of the events of a folder, told by its detectors.csv: 3.8 T for phase1's 1856 modules or where there is no
/// such file, else 2 T.
double guess_field(const std::string& folder);

/// Scores all events of a folder against the tracks and vertices in another.
/// errors: those of reading; not_found where no event has tracks
Result<Totals> score_folders(const std::string& events, const std::string& tracks, const Cuts& cuts, const Frame& frame,
                             bool skip_missing);

}  // namespace helix::validation
