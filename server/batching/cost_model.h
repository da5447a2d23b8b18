#pragma once

#include "server/batching/request_facts.h"

#include <array>

namespace helix::server {

/// Predicts a quantity of a batch, a + b * hits + c * pairs with none of them negative, from the batches so far: least
/// squares in which each batch makes those before weigh a little less. One far from what was predicted counts as a
/// nearer one, so that a hiccup moves little and a lasting change still gets through. Same sequence, same predictions.
class Regression {
 public:
  void observe(const Work& work, double value);

  /// 0 before the first observation.
  double predict(const Work& work) const { return predict(terms(work)); }
  double fixed() const { return coefficients_[0]; }
  int observations() const { return observations_; }

 private:
  static constexpr int kTerms = 3;
  using Row = std::array<double, kTerms>;

  static Row terms(const Work& work);
  double predict(const Row& row) const;
  double bounded(const Row& row, double value) const;
  void solve();

  std::array<Row, kTerms> squares_{};  // sum of products of terms
  Row products_{};                     // sum of terms times value
  Row coefficients_{};
  int observations_ = 0;
};

/// What batches take on the lanes of a pipeline: time and memory, learned from those that ran.
class CostModel {
 public:
  /// `bytes`: of memory that the engine held for the batch; 0: not known.
  void observe(const Work& work, Clock::duration time, std::size_t bytes);

  double ms(const Work& work) const { return ms_.predict(work); }
  double fixed_ms() const { return ms_.fixed(); }
  double bytes(const Work& work) const { return bytes_.predict(work); }

  /// Whether enough was seen to refuse someone by it.
  bool trusted() const { return ms_.observations() >= 8; }

 private:
  Regression ms_, bytes_;
};

}  // namespace helix::server
