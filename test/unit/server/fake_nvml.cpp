// Stands for libnvidia-ml.so.1: two GPUs, of which the second does not tell its utilisation.
#include <cstdint>
#include <cstdio>

// NOLINTBEGIN(readability-identifier-naming): the driver's names
extern "C" {
int nvmlInit_v2() { return 0; }
int nvmlDeviceGetCount_v2(unsigned* n) {
  *n = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = reinterpret_cast<void*>(std::uintptr_t{index} + 1);
  return 0;
}
int nvmlDeviceGetUUID(void* device, char* text, unsigned size) {
  std::snprintf(text, size, "GPU-%u", static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(device)));
  return 0;
}
int nvmlDeviceGetMemoryInfo(void*, unsigned long long* memory) {
  memory[0] = 1000, memory[1] = 750, memory[2] = 250;
  return 0;
}
int nvmlDeviceGetUtilizationRates(void* device, unsigned* rates) {
  if (reinterpret_cast<std::uintptr_t>(device) == 2) return 3;  // not supported
  rates[0] = 50, rates[1] = 10;
  return 0;
}
}
// NOLINTEND(readability-identifier-naming)
