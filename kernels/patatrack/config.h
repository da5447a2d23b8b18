#pragma once

#include "kernels/core/ragged.h"
#include "kernels/core/settings.h"

namespace helix::patatrack {

/// Doublets: pairs of hits on a layer pair of the geometry.
struct DoubletConfig {
  float min_pt = 0.45f;
  float min_pt_skipping = 0.85f;
  float max_z0 = 135.f;
  float max_z0_skipping = 110.f;
  bool cluster_sizes = true;
  float overlap_distance = 2.f;
  float overlap_tolerance_xy = 0.3f;
  float overlap_tolerance_rz = 0.25f;

  template <class Field>
  void fields(Field&& field) {
    field("min_pt", min_pt, in(0.05f, 100.f), "GeV", "least transverse momentum that doublets and cells let through");
    field("min_pt_skipping", min_pt_skipping, in(0.05f, 100.f), "GeV", "the same for layer pairs that skip a layer");
    field("max_z0", max_z0, in(1.f, 10000.f), "mm", "largest distance along the beam line from the beam spot");
    field("max_z0_skipping", max_z0_skipping, in(1.f, 10000.f), "mm", "the same for layer pairs that skip a layer");
    field("cluster_sizes", cluster_sizes, "",
          "use cluster sizes along v, where the hits bring them, against the slope");
    field("overlap_distance", overlap_distance, in(0.f, 100.f), "mm",
          "largest distance in r-phi of two hits of one particle on overlapping modules of a layer");
    field("overlap_tolerance_xy", overlap_tolerance_xy, in(0.f, 10.f), "mm",
          "how far from the doublet's line such a second hit may be, in the transverse plane");
    field("overlap_tolerance_rz", overlap_tolerance_rz, in(0.f, 10.f), "mm", "the same in the r-z plane");
  }
};

/// Cells: doublets that share a hit.
struct ConnectConfig {
  float n_sigma = 3.35f;
  float max_dxy = 1.5f;
  float max_dxy_triplet = 0.4f;
  float curvature_margin = 1.1f;
  float least_inverse_pt = 0.3f;

  template <class Field>
  void fields(Field&& field) {
    field("n_sigma", n_sigma, in(0.1f, 100.f), "", "largest change of slope, in widths of scattering and hit errors");
    field("max_dxy", max_dxy, in(0.01f, 1000.f), "mm",
          "largest distance of the circle through three hits from the beam line");
    field("max_dxy_triplet", max_dxy_triplet, in(0.01f, 1000.f), "mm",
          "the same for three hits that no fourth confirms");
    field("curvature_margin", curvature_margin, in(1.f, 10.f), "",
          "largest curvature of a triplet, over that at min_pt");
    field("least_inverse_pt", least_inverse_pt, in(0.f, 10.f), "1/GeV",
          "added in quadrature to a triplet's 1/pt for its scattering: what its error of curvature hides");
  }
};

/// N-tuplets: paths through cells.
struct NtupletConfig {
  bool triplets = true;
  float curvature_absolute = 2e-4f;
  float curvature_relative = 0.5f;
  float overlap_xy = 0.1f;
  float overlap_rz = 0.15f;

  template <class Field>
  void fields(Field&& field) {
    field("triplets", triplets, "", "keep paths of three hits; false: four or more");
    field("curvature_absolute", curvature_absolute, in(0.f, 1.f), "1/mm",
          "allowed difference of successive curvatures");
    field("curvature_relative", curvature_relative, in(0.f, 10.f), "",
          "allowed difference as a part of the larger one");
    field("overlap_xy", overlap_xy, in(0.f, 10.f), "mm",
          "how much further from the circle than its neighbour a hit on an overlapping module may be");
    field("overlap_rz", overlap_rz, in(0.f, 10.f), "mm", "the same in the r-z plane, across the track");
  }
};

/// Selection: which fitted n-tuplets are tracks. The scores come from the geometry's selection.toml.
struct SelectConfig {
  float expected_margin = 0.6f;
  float candidate_score = -3.f;
  float vertex_score = 1.f;
  float loose_score = -0.2f;
  float loose_score_more = -2.f;
  float tight_score = 3.f;
  float layer_bonus = 5.f;
  float max_shared = 0.24f;

  template <class Field>
  void fields(Field&& field) {
    field("expected_margin", expected_margin, in(0.f, 100.f), "mm",
          "how far inside a module's active area a track must pass for a hit to be missed");
    field("candidate_score", candidate_score, in(-100.f, 100.f), "log odds", "least first score, without vertices");
    field("vertex_score", vertex_score, in(-100.f, 100.f), "log odds",
          "least first score of tracks for first vertices");
    field("loose_score", loose_score, in(-100.f, 100.f), "log odds", "least score of a track on three layers");
    field("loose_score_more", loose_score_more, in(-100.f, 100.f), "log odds", "least score of a track on more");
    field("tight_score", tight_score, in(-100.f, 100.f), "log odds", "least score of a track for the final vertices");
    field("layer_bonus", layer_bonus, in(0.f, 100.f), "log odds",
          "what each layer adds to the score where tracks compete for hits: a longer track beats its own parts");
    field("max_shared", max_shared, in(0.f, 1.f), "", "largest part of a track's hits that better tracks may have too");
  }
};

/// Vertices: clusters of tracks along the beam line.
struct VertexConfig {
  float floor = 0.04f;
  float density_reach = 3.f;
  float link_reach = 3.f;
  float max_distance = 1.3f;
  float n_sigma = 3.f;
  float split_chi2 = 40.f;
  Index min_tracks = 2;
  Index rounds = 3;
  float max_track_error = 0.3f;
  float max_dxy_pull = 2.f;
  float assign_n_sigma = 5.f;
  float decay_distance = 5.f;
  Index decay_max_others = 1;

  template <class Field>
  void fields(Field&& field) {
    field("floor", floor, in(0.f, 10.f), "mm", "added in quadrature to the errors of tracks' dz");
    field("density_reach", density_reach, in(0.1f, 100.f), "errors", "distance within which tracks add to the density");
    field("link_reach", link_reach, in(0.1f, 100.f), "errors",
          "largest distance of a track from one of higher density");
    field("max_distance", max_distance, in(0.001f, 1000.f), "mm",
          "largest distance of neighbours, whatever their errors");
    field("n_sigma", n_sigma, in(0.1f, 100.f), "errors", "largest distance of a track from the vertex it makes");
    field("split_chi2", split_chi2, in(0.f, 1e6f), "", "least gain in chi2 for which a vertex is split in two");
    field("min_tracks", min_tracks, in(Index{1}, Index{1000}), "", "fewest tracks of a vertex");
    field("rounds", rounds, in(Index{0}, Index{100}), "", "rounds of splitting and dealing tracks anew");
    field("max_track_error", max_track_error, in(0.001f, 1000.f), "mm", "largest error of dz of a track for vertices");
    field("max_dxy_pull", max_dxy_pull, in(0.1f, 1e6f), "errors", "largest |dxy| of a track for vertices");
    field("assign_n_sigma", assign_n_sigma, in(0.1f, 100.f), "errors", "largest distance of a track from its vertex");
    field("decay_distance", decay_distance, in(0.f, 1000.f), "mm",
          "how near to a harder vertex another is one of its decays, where interactions are few; 0: never");
    field("decay_max_others", decay_max_others, in(Index{0}, Index{1000}), "",
          "most vertices elsewhere for interactions to be few");
  }
};

/// All settings of the pipeline, one struct a stage; a TOML table each.
struct Config {
  DoubletConfig doublets;
  ConnectConfig connect;
  NtupletConfig ntuplets;
  SelectConfig select;
  VertexConfig vertices;

  template <class Group>
  void groups(Group&& group) {
    group("doublets", doublets);
    group("connect", connect);
    group("ntuplets", ntuplets);
    group("select", select);
    group("vertices", vertices);
  }
};

}  // namespace helix::patatrack
