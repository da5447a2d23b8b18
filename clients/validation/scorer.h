#pragma once

#include "clients/validation/cuts.h"
#include "clients/validation/match.h"
#include "clients/validation/reco.h"
#include "clients/validation/statistics.h"
#include "clients/validation/truth.h"
#include "clients/validation/vertex_match.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace helix::validation {

/// Parameters in the order of reports. pt is relative, the others absolute (rad, mm).
inline const std::vector<std::string> kParameters{"pt", "phi", "cottheta", "dxy", "dz"};

/// Residuals of one parameter, of the best track of each particle in the acceptance.
struct Residuals {
  std::vector<double> value, pull;  // pull NaN where there is no error
  std::vector<double> true_pt, true_eta;
};

/// Everything that is added up over events; report.h makes figures of it.
struct Totals {
  std::int64_t events = 0, missing_events = 0, weighed_events = 0;
  std::int64_t particles = 0, found = 0;  // in the acceptance
  std::int64_t tracks = 0, matched = 0, duplicates = 0;
  std::int64_t track_hits = 0, matched_hits = 0, right_hits = 0;
  std::int64_t unknown_hits = 0, repeated_hits = 0, not_finite = 0;
  std::int64_t charge_right = 0, charge_all = 0;
  bool parameters = false;                                      // some event's tracks have pt and eta; then
  std::int64_t tracks_in = 0, fakes_in = 0, duplicates_in = 0;  // those inside the cuts
  double trackml = 0, hit_share = 0;                            // sums
  std::int64_t hit_share_n = 0;

  /// A quantity of each particle or track, and whether it passed.
  struct Passed {
    std::vector<double> value;
    std::vector<char> passed;
    void put(double v, bool p) { value.push_back(v), passed.push_back(p); }
  };
  Passed found_pt, found_eta, found_radius;               // particles; the cut on the quantity itself lifted
  Passed fake_pt, fake_eta, duplicate_pt, duplicate_eta;  // tracks
  std::map<std::string, Residuals> residuals;
  VertexMatches vertices;
};

/// Scores events against truth, one after the other.
class Scorer {
 public:
  Scorer(const Cuts& cuts, const Frame& frame) : cuts_(cuts), frame_(frame) {}

  /// `vertices` empty: those of this event are not scored.
  void add(const TruthEvent& event, const RecoTracks& tracks, const std::optional<RecoVertices>& vertices);
  /// An event that nothing was reconstructed for: nothing is found.
  void add_missing(const TruthEvent& event, const std::optional<RecoVertices>& vertices);

  const Totals& totals() const { return totals_; }

 private:
  struct Scored;
  void count(const Scored& s);
  void count_particles(Scored& s);
  void count_tracks(const Scored& s);
  void put_best(const Scored& s);
  void put_residuals(const Scored& s, const std::vector<std::size_t>& best);

  Cuts cuts_;
  Frame frame_;
  Totals totals_;
};

}  // namespace helix::validation
