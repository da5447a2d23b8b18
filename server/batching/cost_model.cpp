#include "server/batching/cost_model.h"

#include <algorithm>
#include <cmath>

namespace helix::server {
namespace {

constexpr double kMemory = 0.97;  // weight that an observation keeps when the next one comes
constexpr double kFarthest = 4;   // an observation counts as at most so many times what was predicted, or so few
constexpr int kUnbounded = 4;     // first observations, which nothing is known to bound by
constexpr double kSure = 3;       // standard deviations below the prediction of what something takes at least
// Of a term's own square: where observations do not tell terms apart, they share the value, and pairs get little of it.
// Batches of small events alone tell hits and pairs hardly apart, and what pairs then get counts a thousandfold for a
// large event.
constexpr std::array<double, 3> kRidge = {1e-4, 1e-4, 1e-2};
constexpr double kHits = 1e4;  // hits are counted in so many, to keep terms of like size

/// Of a symmetric matrix whose eigenvalues are above 0.
template <class Matrix>
Matrix inverted(const Matrix& m) {
  const auto minor = [&](int i, int j) {
    const int a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
    return m[a][c] * m[b][d] - m[a][d] * m[b][c];
  };
  const double determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  Matrix inverse{};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) inverse[i][j] = minor(j, i) / determinant;
  return inverse;
}

}  // namespace

Regression::Row Regression::terms(const Work& work, double batches) {
  return {batches, work.hits / kHits, work.pairs / (kHits * kHits)};
}

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
  const Row row = terms(work, 1);
  const double counted = bounded(row, value), weight = 1 / (counted * counted);
  for (int i = 0; i < kTerms; ++i) {
    for (int j = 0; j < kTerms; ++j) squares_[i][j] = squares_[i][j] * kMemory + weight * row[i] * row[j];
    products_[i] = products_[i] * kMemory + weight * row[i] * counted;
  }
  weight_ = weight_ * kMemory + 1;
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
      const double square = squares_[i][i] * (1 + kRidge[i]);
      coefficients_[i] = square > 0 ? std::max(0.0, rest / square) : 0;
    }
  Row scale{};
  Matrix correlation{};
  for (int i = 0; i < kTerms; ++i) scale[i] = squares_[i][i] > 0 ? 1 / std::sqrt(squares_[i][i]) : 0;
  for (int i = 0; i < kTerms; ++i) {
    for (int j = 0; j < kTerms; ++j) correlation[i][j] = squares_[i][j] * scale[i] * scale[j];
    correlation[i][i] = 1 + kRidge[i];
  }
  const Matrix inverse = inverted(correlation);
  for (int i = 0; i < kTerms; ++i)
    for (int j = 0; j < kTerms; ++j) covariance_[i][j] = variance() * inverse[i][j] * scale[i] * scale[j];
}

/// Of the relative error of one observation.
double Regression::variance() const {
  double squares = weight_;
  for (int i = 0; i < kTerms; ++i) {
    squares -= 2 * products_[i] * coefficients_[i];
    for (int j = 0; j < kTerms; ++j) squares += squares_[i][j] * coefficients_[i] * coefficients_[j];
  }
  return std::max(0.0, squares) / std::max(1.0, weight_ - kTerms);
}

double Regression::at_least(const Work& work, double batches) const {
  const Row row = terms(work, batches);
  double variance = 0;
  for (int i = 0; i < kTerms; ++i)
    for (int j = 0; j < kTerms; ++j) variance += row[i] * row[j] * covariance_[i][j];
  return std::max(0.0, predict(row) - kSure * std::sqrt(std::max(0.0, variance)));
}

void CostModel::observe(const Work& work, Clock::duration time, std::size_t bytes) {
  ms_.observe(work, in_ms(time));
  bytes_.observe(work, static_cast<double>(bytes));
}

}  // namespace helix::server
