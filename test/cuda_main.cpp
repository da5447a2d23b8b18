#define CATCH_CONFIG_RUNNER
#include "kernels/engine.h"

#include <catch2/catch.hpp>

#include <iostream>

// Exit code 77 tells ctest "skipped": the program was built and linked, but there is no device to run it on.
int main(int argc, char** argv) {
  if (helix::cuda_device_count() == 0) {
    std::cout << "skipped: no CUDA device\n";
    return 77;
  }
  return Catch::Session().run(argc, argv) == 0 ? 0 : 1;
}
