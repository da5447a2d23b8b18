#pragma once

#include "kernels/core/exec.h"
#include "kernels/core/ragged.h"
#include "kernels/core/settings.h"

namespace helix::exatrkx {

/// Points of a batch in a space of 2 to 16 dimensions, row by row.
struct Points {
  Span<const float> at;  // [points * dimensions]
  Index dimensions = 0;
  Offsets events;  // [events + 1]

  HELIX_HD Index n() const { return static_cast<Index>(at.size() / static_cast<std::size_t>(dimensions)); }
};

/// Which end of an edge is its source.
enum class EdgeOrder { larger_first, smaller_first };

inline const char* const* setting_names(EdgeOrder) {
  static constexpr const char* kNames[] = {"larger_first", "smaller_first", nullptr};
  return kNames;
}

/// Graph: which points are joined.
struct GraphConfig {
  float radius = 1.6f;
  Index max_neighbours = 500;
  EdgeOrder order = EdgeOrder::larger_first;

  template <class Field>
  void fields(Field&& field) {
    field("radius", radius, in(1e-6f, 1e6f), "", "largest distance of two joined hits in the embedding");
    field("max_neighbours", max_neighbours, in(1, 100'000), "",
          "a hit is joined to hits before it that are among so many nearest of its event, itself included");
    field("order", order, "larger_first: edges go from the later hit to the earlier one");
  }
};

/// Edges of a batch; source and target are rows of the batch, sorted by (source, target).
struct Edges {
  Span<const Index> source, target;

  HELIX_HD Index n() const { return static_cast<Index>(source.size()); }
};

/// Joins the points of each event that lie within the radius of each other.
///
/// A pair i > j of one event is an edge when its squared distance (float, summed over the dimensions in order) is at
/// most radius^2 and j is among the max_neighbours nearest of i: i itself is the first of them, then nearer points
/// go first, of equal distance those of smaller index; all points of the event within the radius compete.
///
/// points   fewer than 2^30; those with NaN get no edges
/// throws   OutOfArena, as everywhere
Edges find_neighbours(Exec& exec, const Points& points, const GraphConfig& config);

}  // namespace helix::exatrkx
