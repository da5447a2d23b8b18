#pragma once

// Muons through a detector: exact helices in double precision, Gaussian hit errors as the geometry says, multiple
// scattering (Highland) in every module crossed and in the beam pipe. No energy loss, no inefficiency.
#include "kernels/event/hits.h"
#include "kernels/geometry/detector.h"
#include "test/support/owned_batch.h"

#include <vector>

namespace helix::twins {

/// True parameters at the beam line, where the muon is made.
struct ToyMuon {
  double phi, q_over_pt, cot_theta, dz;  // dxy is 0
  Index event;
  std::vector<Index> hits;  // rows of the event, inner to outer
};

struct ToyEvents {
  test::OwnedBatch batch;  // bare hits
  std::vector<ToyMuon> muons;
};

struct ToyOptions {
  int events = 1, muons_per_event = 10;
  double min_pt = 0.5, max_pt = 50, max_eta = 2.4;  // GeV; flat in log pt, eta, phi
  BeamSpot spot;
  double sigma_z = 35;  // mm
  unsigned seed = 1;
};

ToyEvents make_toy_muons(const Detector& detector, const ToyOptions& options);

}  // namespace helix::twins
