#include "server/observe/gpu_metrics.h"

#include "server/observe/samples.h"

#include <dlfcn.h>

#include <array>
#include <optional>
#include <string>

namespace helix::server {
namespace {

// What is used of nvml.h: its functions keep their names, types and meanings from one driver to the next.
constexpr int kSuccess = 0;
struct NvmlMemory {
  unsigned long long total, free, used;  // bytes
};
struct NvmlUtilization {
  unsigned gpu, memory;  // per cent of the last sampling period
};
using NvmlDevice = void*;

}  // namespace

class GpuMetrics::Nvml {
 public:
  static std::unique_ptr<const Nvml> open(const char* library) {
    void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return nullptr;
    auto nvml = std::unique_ptr<Nvml>(new Nvml(handle));
    return nvml->find_all() && nvml->init() == kSuccess ? std::move(nvml) : nullptr;
  }
  // The library stays loaded: its own threads may still run.
  ~Nvml() = default;

  template <class Visit>
  void each_device(const Visit& visit) const {
    unsigned n = 0;
    if (count(&n) != kSuccess) return;
    for (unsigned i = 0; i < n; ++i)
      if (NvmlDevice device = nullptr; by_index(i, &device) == kSuccess) visit(i, device);
  }

  int (*init)() = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*by_index)(unsigned, NvmlDevice*) = nullptr;
  int (*uuid)(NvmlDevice, char*, unsigned) = nullptr;
  int (*memory)(NvmlDevice, NvmlMemory*) = nullptr;
  int (*utilization)(NvmlDevice, NvmlUtilization*) = nullptr;

 private:
  explicit Nvml(void* handle) : handle_(handle) {}

  bool find_all() {
    return find(init, "nvmlInit_v2") && find(count, "nvmlDeviceGetCount_v2") &&
           find(by_index, "nvmlDeviceGetHandleByIndex_v2") && find(uuid, "nvmlDeviceGetUUID") &&
           find(memory, "nvmlDeviceGetMemoryInfo") && find(utilization, "nvmlDeviceGetUtilizationRates");
  }
  template <class Function>
  bool find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    return function != nullptr;
  }

  void* const handle_;
};

GpuMetrics::GpuMetrics(const char* library) : nvml_(Nvml::open(library)) {}
GpuMetrics::~GpuMetrics() = default;

std::vector<prometheus::MetricFamily> GpuMetrics::collect() const {
  if (!nvml_) return {};
  Samples used("helixd_gpu_memory_used_bytes", "Memory of the GPU that is taken, by whomever.");
  Samples total("helixd_gpu_memory_bytes", "Memory of the GPU.");
  Samples busy("helixd_gpu_utilization_ratio", "Part of the last sampling period in which a kernel ran.");
  nvml_->each_device([&](unsigned number, NvmlDevice device) {
    std::array<char, 96> uuid{};
    if (nvml_->uuid(device, uuid.data(), uuid.size()) != kSuccess) uuid = {};
    const std::vector<prometheus::ClientMetric::Label> labels{{"gpu", std::to_string(number)}, {"uuid", uuid.data()}};
    if (NvmlMemory memory{}; nvml_->memory(device, &memory) == kSuccess) {
      used.add(static_cast<double>(memory.used), labels);
      total.add(static_cast<double>(memory.total), labels);
    }
    if (NvmlUtilization rates{}; nvml_->utilization(device, &rates) == kSuccess) busy.add(rates.gpu / 100., labels);
  });
  return {used.family(), total.family(), busy.family()};
}

}  // namespace helix::server
