#pragma once

#include <optional>

namespace helix::bench {

/// What a batch costs a lane: fixed + per_kilohit * hits / 1000.
struct ServiceCost {
  double fixed_ms = 0, per_kilohit_ms = 0;
};

/// Least squares of a lane's times against the hits of its batches; neither cost is negative.
class ServiceFit {
 public:
  /// `weight`: the part of the batch that this answer is, so that each batch counts once.
  void add(double hits, double ms, double weight = 1);

  /// Nothing without a batch. Batches of about one size cannot tell the two costs apart: then all is cost of hits.
  std::optional<ServiceCost> cost() const;
  /// Sum of the weights.
  double batches() const { return weight_; }

 private:
  double weight_ = 0, mean_x_ = 0, mean_y_ = 0, xx_ = 0, xy_ = 0;  // x: kilohits, y: ms; sums about the means
};

}  // namespace helix::bench
