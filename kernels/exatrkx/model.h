#pragma once

#include "kernels/core/ragged.h"
#include "kernels/core/status.h"
#include "kernels/event/hits.h"
#include "kernels/exatrkx/join.h"

#include <cstdint>
#include <string>
#include <vector>

namespace helix::exatrkx {

/// What the networks may be told of a hit: its position, in mm and rad around the event's beam line, and columns that
/// a request may leave out.
enum class HitFeature {
  x,
  y,
  z,
  r,
  phi,
  cos_phi,
  sin_phi,
  eta,
  theta,
  var_u,
  var_v,
  size_u,
  size_v,
  charge,
  local_u,
  local_v
};

/// Which end of an edge is its source: the hit nearer to the beam spot, or the one of larger or smaller index.
enum class Direction { inside_out, larger_first, smaller_first };

/// A file of the model and its SHA-256.
struct NetworkFile {
  std::string path, digest;
};

/// A folder with model.toml, embed.pt, filter.pt and gnn.pt: all but the weights.
struct Model {
  std::string name, folder;
  std::vector<HitFeature> features;
  std::vector<float> scales;                                        // value / scale is what the networks see
  Index embed_features = 0, filter_features = 0, gnn_features = 0;  // each sees the first so many; 0: all
  Index dimensions = 0;                                             // of the embedding
  float radius = 0;
  Index max_neighbours = 0;  // nearest kept, the point itself counted
  Direction direction = Direction::inside_out;
  float filter_cut = 0;          // edges with a higher score stay
  bool both_directions = false;  // the graph network gets each edge both ways; the scores of the given way count
  float edge_cut = 0;            // edges with a higher score join hits
  Index min_hits = 3;            // smaller components are no tracks
  bool walk = false;             // split components by walks along the best edges
  float walk_cut = 0;            // least score of an edge of a walk
  JoinCuts join;                 // of pieces of one track; off by default
  float field = 0;               // T, along z: what curvature means; 0: unknown, q/pt is then 0
  NetworkFile embed, filter, gnn;
  std::string digest;  // of all that is in the folder
};

/// Reads model.toml and checks the files' digests; the networks are not opened.
/// errors: not_found (folder, file); invalid_argument that names file, line, key, or the file whose digest differs
Result<Model> load_model(const std::string& folder);

/// A value of model.toml, for people.
struct ModelSetting {
  std::string table, key, value, help;
};
std::vector<ModelSetting> describe_model(const Model& model);

/// Names of the features, as in model.toml.
const char* name_of(HitFeature feature);

/// The column of hits that a feature is; null: it is made from the position.
const OptionalColumn* column_of(HitFeature feature);

/// The columns that a model cannot do without.
std::vector<OptionalColumn> columns_of(const Model& model);

}  // namespace helix::exatrkx
