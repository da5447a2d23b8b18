# What targets are made of. Sources are named from the root of the repository.

# helix_library(name source...): a static library of ours
function(helix_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC helix_flags)
endfunction()

function(helix_sources target)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/)
  target_sources(${target} PRIVATE ${ARGN})
endfunction()

# helix_program(name library source...): an executable in bin/
function(helix_program name library)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE ${library})
  install(TARGETS ${name})
  if(TARGET helix_networks)
    add_dependencies(${name} helix_networks)  # which it opens
  endif()
endfunction()

function(helix_cuda_library name)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/cuda/empty.cu CONTENT "")
  add_library(${name} STATIC ${PROJECT_BINARY_DIR}/cuda/empty.cu)
  target_link_libraries(${name} PUBLIC helix_flags PRIVATE CUDA::cudart_static)
endfunction()

# helix_cuda_source(target source): compiles a .cpp with nvcc, through a generated .cu of one line
function(helix_cuda_source target source)
  string(REGEX REPLACE "\\.cpp$" ".cu" unit ${PROJECT_BINARY_DIR}/cuda/${source})
  file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${source}\"\n")
  target_sources(${target} PRIVATE ${unit})
endfunction()

# helix_stage(source): a stage of a pipeline, for the CPU and, where nvcc is, for CUDA
function(helix_stage source)
  helix_sources(helix_kernels ${source})
  if(HELIX_CUDA_FOUND)
    helix_cuda_source(helix_kernels_cuda ${source})
  endif()
endfunction()

# helix_kernel_test(source...): tests that use Exec. All tests are in helix_unit; these again, by nvcc, in helix_unit_cuda
function(helix_kernel_test)
  if(HELIX_CUDA_FOUND)
    foreach(source ${ARGN})
      helix_cuda_source(helix_unit_cuda ${source})
    endforeach()
  endif()
endfunction()
