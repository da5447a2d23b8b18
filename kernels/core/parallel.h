#pragma once

// The whole vocabulary of stages. Every primitive gives the same answer for any number of threads.
//
//   for_each(exec, n, body)                 body(i) for i in 0 .. n; bodies write only what they own
//   exclusive_scan(exec, counts)            Offsets of rows of these sizes
//   gather_rows(exec, n, walk)              Ragged of n rows: walk(i, emit) calls emit(value) for each value of row
//                                           i, in order. On CUDA the walk runs twice, to count and to fill, with one
//                                           host wait for the total; on the CPU once
//   gather_described_rows(exec, n, walk)    the same, with two numbers beside each value, which the margin of
//                                           visit_matching makes
//   row_of_each(exec, rows, n)              of each of the n values of all rows, the row that it is in
//   join_rows(exec, a, b)                   described rows of a and b as one, each of which has values on one side only
//   sort_by_key(exec, keys, values, bits)   stable, by the lowest `bits` bits of keys; both spans are sorted in place
//   select(exec, n, predicate)              ascending indices for which predicate(i); one host wait
//   fill(exec, span, value)
//   atomic_max, atomic_min, atomic_or, atomic_add(address, value)
//                                           integers only: the result cannot depend on the order (what atomic_add
//                                           returns, the value before, can)
//   atomic_load(address), atomic_store(address, value), atomic_replace(address, expected, value)
//                                           for links that several bodies change; atomic_replace stores where it finds
//                                           what is expected, and returns what it found
//   visit_matching(first, last, margin, visit)   within a body: visit(i) in order where margin(i) >= 0; on the CPU
//                                           the margin (a float, or Described) is evaluated in blocks that the
//                                           compiler vectorises
#include "kernels/core/exec.h"
#ifdef __CUDACC__
#include "kernels/core/parallel_cuda.h"
#else
#include "kernels/core/parallel_cpu.h"
#endif
