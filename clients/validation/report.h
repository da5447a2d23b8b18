#pragma once

#include "clients/validation/cuts.h"
#include "clients/validation/scorer.h"

#include <iosfwd>
#include <string>

namespace helix::validation {

/// Edges of the bins of efficiency and rates; GeV, mm.
extern const std::vector<double> kPtEdges, kEtaEdges, kRadiusEdges;

/// The figures for people.
void print(std::ostream& out, const Totals& totals);

/// The same, and more of them, as JSON: rates as fractions, resolutions pt relative, phi rad, dxy and dz mm.
std::string to_json(const Totals& totals, const Cuts& cuts, const Frame& frame);

/// part / whole, empty where there is no whole.
std::optional<double> ratio(double part, double whole);

}  // namespace helix::validation
