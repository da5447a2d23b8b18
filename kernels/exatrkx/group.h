#pragma once

#include "kernels/core/exec.h"
#include "kernels/core/ragged.h"

namespace helix::exatrkx {

/// Positions of values by their row: row r holds, in rising order, all i with row_of[i] == r. Sums over rows made in
/// this order are the same bits on any device.
Ragged group_by(Exec& exec, Span<const Index> row_of, Index n_rows);

/// Bits that a number below n takes.
HELIX_HD int bits_below(Index n) {
  int bits = 0;
  while (bits < 31 && (Index{1} << bits) < n) ++bits;
  return bits;
}

}  // namespace helix::exatrkx
