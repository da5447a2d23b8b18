# Tests that use Exec, listed because each is compiled twice: as C++ for helix_unit, by nvcc for helix_unit_cuda.
helix_kernel_test(test/unit/core/parallel_test.cpp)
helix_kernel_test(test/unit/patatrack/search_test.cpp)
helix_kernel_test(test/unit/patatrack/broken_line_test.cpp)
helix_kernel_test(test/unit/patatrack/vertices_test.cpp)
helix_kernel_test(test/unit/exatrkx/neighbours_test.cpp)
helix_kernel_test(test/unit/exatrkx/components_test.cpp)
helix_kernel_test(test/unit/exatrkx/walk_test.cpp)
