#include "kernels/exatrkx/group.h"

#include "kernels/core/parallel.h"

namespace helix::exatrkx {
namespace {

struct CountRow {
  Span<const Index> row_of;
  Span<Index> count, position;
  Span<std::uint64_t> key;
  HELIX_HD void operator()(Index i) const {
    atomic_add(&count[row_of[i]], Index{1});
    key[i] = static_cast<std::uint64_t>(row_of[i]);
    position[i] = i;
  }
};

}  // namespace

Ragged group_by(Exec& exec, Span<const Index> row_of, Index n_rows) {
  const auto n = static_cast<Index>(row_of.size());
  auto count = exec.scratch<Index>(n_rows), position = exec.scratch<Index>(n);
  auto key = exec.scratch<std::uint64_t>(n);
  fill(exec, count, Index{0});
  for_each(exec, n, CountRow{row_of, count, position, key});
  const Offsets rows = exclusive_scan(exec, count);
  sort_by_key(exec, key, position, bits_below(n_rows));
  return {rows, position};
}

}  // namespace helix::exatrkx
