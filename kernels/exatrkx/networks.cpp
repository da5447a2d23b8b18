// Opens the module that has LibTorch.
#include "kernels/exatrkx/networks.h"

#include "kernels/exatrkx/networks_module.h"

#include <dlfcn.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace helix::exatrkx {
namespace {

using Opened = Result<const NetworksModule*>;

Opened open_module() {
  const std::string path = networks_module_path();
  if (!has_networks()) return unavailable("this program was built without LibTorch: there is no " + path);
  void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);  // as if it was linked
  if (module == nullptr) return unavailable(std::string("LibTorch cannot be loaded: ") + dlerror());
  const auto* networks = static_cast<const NetworksModule*>(dlsym(module, "helix_networks"));
  if (networks == nullptr || std::string_view(networks->version) != HELIX_VERSION)
    return unavailable(path + " belongs to another version, this is " HELIX_VERSION);
  return networks;
}

/// Never closed: LibTorch does not end before the program.
const Opened& opened() {
  static const Opened once = open_module();
  return once;
}

Status of_model(const Model& model, const Status& why) {
  return {why.code(), "model " + model.folder + ": " + why.message()};
}

}  // namespace

std::string networks_module_path() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path().parent_path() / "lib/helix/helix_networks.so").string();
}

bool has_networks() {
  std::error_code error;
  return std::filesystem::exists(networks_module_path(), error);
}

bool has_cuda_networks() { return opened().ok() && (*opened())->load_cuda != nullptr; }

Result<std::shared_ptr<const Networks>> load_networks(const Model& model, const NetworkOptions& options) {
  if (!opened().ok()) return of_model(model, opened().status());
  return (*opened())->load(model, options);
}

Result<std::shared_ptr<const CudaNetworks>> load_cuda_networks(const Model& model, const NetworkOptions& options,
                                                               int device, std::size_t budget) {
  if (!opened().ok()) return of_model(model, opened().status());
  if ((*opened())->load_cuda == nullptr)
    return of_model(model, unavailable("this program was built without LibTorch for CUDA"));
  return (*opened())->load_cuda(model, options, device, budget);
}

}  // namespace helix::exatrkx
