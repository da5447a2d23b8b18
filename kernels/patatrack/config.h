#pragma once

#include "kernels/core/ragged.h"
#include "kernels/core/settings.h"

namespace helix::patatrack {

/// Doublets: pairs of hits on a layer pair of the geometry.
struct DoubletConfig {
  float min_pt = 0.45f;
  float max_z0 = 160.f;
  float max_dxy = 1.5f;
  bool cluster_sizes = true;

  template <class Field>
  void fields(Field&& field) {
    field("min_pt", min_pt, in(0.05f, 100.f), "GeV", "least transverse momentum that doublet and cell windows let through");
    field("max_z0", max_z0, in(1.f, 10000.f), "mm", "largest |z - beam spot z| where a doublet meets the beam line");
    field("max_dxy", max_dxy, in(0.01f, 100.f), "mm", "largest distance from the beam line that the windows allow for");
    field("cluster_sizes", cluster_sizes, "", "use cluster sizes along v, where the hits bring them, against the direction");
  }
};

/// All settings of the pipeline, one struct a stage; a TOML table each.
struct Config {
  DoubletConfig doublets;

  template <class Group>
  void groups(Group&& group) {
    group("doublets", doublets);
  }
};

}  // namespace helix::patatrack
