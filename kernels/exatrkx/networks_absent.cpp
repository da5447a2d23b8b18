// Stands for networks_torch.cpp where LibTorch was not found.
#include "kernels/exatrkx/networks.h"

namespace helix::exatrkx {

Result<std::shared_ptr<const Networks>> load_networks(const Model& model, const NetworkOptions&) {
  return unavailable("model " + model.folder + ": this program was built without LibTorch");
}

bool has_networks() { return false; }

}  // namespace helix::exatrkx
