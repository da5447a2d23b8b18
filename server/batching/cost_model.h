#pragma once

#include "server/batching/request_facts.h"

#include <array>
#include <cstdint>

namespace helix::server {

/// Predicts a quantity of a batch, a + b * hits + c * pairs with none of them negative, from the batches so far: least
/// squares in which each batch makes those before weigh a little less. One far from what was predicted counts as a
/// nearer one, so that a hiccup moves little and a lasting change still gets through. Same sequence, same predictions.
class Regression {
 public:
  void observe(const Work& work, double value);

  /// 0 before the first observation. `batches`: how many the work is done in.
  double predict(const Work& work, double batches = 1) const { return predict(terms(work, batches)); }
  /// What it is at least, by how well the observations determine the coefficients: about the prediction where many
  /// alike were seen, 0 where they say nothing, as few small events say nothing of a large one.
  double at_least(const Work& work, double batches = 1) const;
  double fixed() const { return coefficients_[0]; }
  int observations() const { return observations_; }

 private:
  static constexpr int kTerms = 3;
  using Row = std::array<double, kTerms>;
  using Matrix = std::array<Row, kTerms>;

  static Row terms(const Work& work, double batches);
  double predict(const Row& row) const;
  double bounded(const Row& row, double value) const;
  void solve();
  double variance() const;

  Matrix squares_{};   // sum of products of terms
  Row products_{};     // sum of terms times value
  double weight_ = 0;  // of all observations; each was 1
  Row coefficients_{};
  Matrix covariance_{};  // of the coefficients
  int observations_ = 0;
};

/// Which estimate: `expected` is as likely too long as too short; `least` is what it takes in any case, as far as the
/// batches so far tell: to refuse someone by.
enum class Estimate : std::uint8_t { expected, least };

/// What batches take on the lanes of a pipeline: time and memory, learned from those that ran.
class CostModel {
 public:
  /// `bytes`: of memory that the engine held for the batch; 0: not known.
  void observe(const Work& work, Clock::duration time, std::size_t bytes);

  /// `batches`: how many the work is done in.
  double ms(const Work& work, Estimate estimate = Estimate::expected, double batches = 1) const {
    return estimate == Estimate::least ? ms_.at_least(work, batches) : ms_.predict(work, batches);
  }
  double fixed_ms() const { return ms_.fixed(); }
  double bytes(const Work& work) const { return bytes_.predict(work); }

  /// Whether enough was seen to refuse someone by it.
  bool trusted() const { return ms_.observations() >= 8; }

 private:
  Regression ms_, bytes_;
};

}  // namespace helix::server
