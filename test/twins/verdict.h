#pragma once

#include <algorithm>

namespace helix::twins {

/// What a twin says of a candidate. Borderline: a cut is met or missed by so little that rounding may decide.
enum class Verdict { no, borderline, yes };

/// Least of the slacks of several cuts, each relative to the size of its cut; negative: missed.
class Slack {
 public:
  void cut(double slack, double scale) { least_ = std::min(least_, slack / scale); }
  Verdict verdict(double tolerance) const {
    return least_ > tolerance ? Verdict::yes : (least_ < -tolerance ? Verdict::no : Verdict::borderline);
  }

 private:
  double least_ = 1e300;
};

inline Verdict both(Verdict a, Verdict b) { return std::min(a, b); }
inline Verdict either(Verdict a, Verdict b) { return std::max(a, b); }
inline Verdict opposite(Verdict a) { return a == Verdict::yes ? Verdict::no : (a == Verdict::no ? Verdict::yes : a); }

}  // namespace helix::twins
