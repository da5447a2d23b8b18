# What targets are made of. Sources are named from the root of the repository; what is missing is an error of CMake's.

# helix_library(name source...): a static library of ours
function(helix_library name)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/empty.cpp CONTENT "")
  add_library(${name} STATIC ${PROJECT_BINARY_DIR}/empty.cpp ${ARGN})
  target_link_libraries(${name} PUBLIC helix_flags)
endfunction()

function(helix_sources target)
  foreach(source ${ARGN})
    if(EXISTS ${PROJECT_SOURCE_DIR}/${source})
      target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/${source})
    else()
      message(STATUS "${target}: no ${source} yet")
    endif()
  endforeach()
endfunction()

# helix_cuda_source(target source): compiles a .cpp with nvcc, through a generated .cu of one line
function(helix_cuda_source target source)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${source})
    string(REGEX REPLACE "\\.cpp$" ".cu" unit ${PROJECT_BINARY_DIR}/cuda/${source})
    file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${source}\"\n")
    target_sources(${target} PRIVATE ${unit})
  endif()
endfunction()

function(helix_cuda_library name)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/cuda/empty.cu CONTENT "")
  add_library(${name} STATIC ${PROJECT_BINARY_DIR}/cuda/empty.cu)
  target_link_libraries(${name} PUBLIC helix_flags CUDA::cudart_static)
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

# helix_program(name library source...): an executable in bin/
function(helix_program name library)
  set(sources)
  foreach(source ${ARGN})
    if(EXISTS ${source} OR EXISTS ${PROJECT_SOURCE_DIR}/${source})
      list(APPEND sources ${source})
    endif()
  endforeach()
  if(sources AND TARGET ${library})
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE ${library})
    install(TARGETS ${name})
  else()
    message(STATUS "${name}: no sources yet")
    return()
  endif()
endfunction()
