#pragma once

#include "test/support/temp_folder.h"

#include <string>

namespace helix::exatrkx::test {

/// What the folder of a small model is made of: hits within 0.2 in the first two features belong together.
struct SmallModel {
  std::string name = "small";
  std::string names = "\"cos_phi\", \"sin_phi\"", scales = "1, 1";                  // as in model.toml
  std::string embed = "first_two.pt", filter = "distance.pt", gnn = "distance.pt";  // of test/data/exatrkx/models/small
};

/// Writes the folder into another one; its path.
std::string write_small_model(const TempFolder& in, const SmallModel& model = {});

}  // namespace helix::exatrkx::test
