#pragma once

#include <limits>
#include <string>
#include <vector>

#include "kernels/core/status.h"

namespace helix {

/// Allowed range of a setting, both ends included.
template <class T>
struct Bounds {
  T low, high;
};

template <class T>
constexpr Bounds<T> in(T low, T high) {
  return {low, high};
}

/// One setting as people see it. `value` is its TOML text.
struct Setting {
  std::string name, value, unit, help, range;
};

// A struct of settings names each once:
//
//   template <class Field> void fields(Field&& field) {
//     field("max_dxy", max_dxy, in(0.f, 100.f), "mm", "largest distance of a doublet from the beam line");
//   }
//
// TOML keys, flags, printed defaults, documentation and range checks are derived from that (settings.cpp, server/config).

}  // namespace helix
