#include "server/batching/cost_model.h"

#include <algorithm>
#include <cmath>

namespace helix::server {
namespace {

constexpr double kMemory = 0.97;  // weight that an observation keeps when the next one comes
constexpr double kFarthest = 4;   // an observation counts as at most so many times what was predicted, or so few
constexpr int kUnbounded = 4;     // first observations, which nothing is known to bound by
constexpr double kRidge = 1e-4;   // of a term's own square: where sizes do not vary, terms share the value
constexpr double kHits = 1e4;     // hits are counted in so many, to keep terms of like size

}  // namespace

Regression::Row Regression::terms(const Work& work) { return {1, work.hits / kHits, work.pairs / (kHits * kHits)}; }

double Regression::predict(const Row& row) const {
  double sum = 0;
  for (int i = 0; i < kTerms; ++i) sum += coefficients_[i] * row[i];
  return sum;
}

double Regression::bounded(const Row& row, double value) const {
  const double expected = predict(row);
  if (observations_ < kUnbounded || expected <= 0) return value;
  return std::clamp(value, expected / kFarthest, expected * kFarthest);
}

// Relative errors: a batch of one event says as much as one of many.
void Regression::observe(const Work& work, double value) {
  if (!(value > 0)) return;
  const Row row = terms(work);
  const double counted = bounded(row, value), weight = 1 / (counted * counted);
  for (int i = 0; i < kTerms; ++i) {
    for (int j = 0; j < kTerms; ++j) squares_[i][j] = squares_[i][j] * kMemory + weight * row[i] * row[j];
    products_[i] = products_[i] * kMemory + weight * row[i] * counted;
  }
  ++observations_;
  solve();
}

/// Coordinate descent: with three terms a few rounds are enough, and clamping each at 0 keeps the rest optimal.
void Regression::solve() {
  for (int round = 0; round < 50; ++round)
    for (int i = 0; i < kTerms; ++i) {
      double rest = products_[i];
      for (int j = 0; j < kTerms; ++j)
        if (j != i) rest -= squares_[i][j] * coefficients_[j];
      const double square = squares_[i][i] * (1 + kRidge);
      coefficients_[i] = square > 0 ? std::max(0.0, rest / square) : 0;
    }
}

void CostModel::observe(const Work& work, Clock::duration time, std::size_t bytes) {
  ms_.observe(work, in_ms(time));
  bytes_.observe(work, static_cast<double>(bytes));
}

}  // namespace helix::server
