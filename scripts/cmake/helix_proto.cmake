# helix_proto: C++ of proto/**/*.proto, generated into the build folder, included as "helix/v1/x.pb.h".
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED CONFIG)

set(generated ${PROJECT_BINARY_DIR}/proto)
file(MAKE_DIRECTORY ${generated})
file(GLOB_RECURSE protos CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/proto ${PROJECT_SOURCE_DIR}/proto/*.proto)
set(sources)
foreach(proto ${protos})
  string(REGEX REPLACE "\\.proto$" "" stem ${generated}/${proto})
  set(outputs ${stem}.pb.cc ${stem}.pb.h ${stem}.grpc.pb.cc ${stem}.grpc.pb.h)
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND protobuf::protoc -I ${PROJECT_SOURCE_DIR}/proto --cpp_out=${generated} --grpc_out=${generated}
            --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin> ${proto}
    DEPENDS ${PROJECT_SOURCE_DIR}/proto/${proto}
    COMMENT "protoc ${proto}"
    VERBATIM)
  list(APPEND sources ${outputs})
endforeach()

# Generated code is not held to our warnings.
add_library(helix_proto STATIC ${sources})
target_include_directories(helix_proto SYSTEM PUBLIC ${generated})
target_link_libraries(helix_proto PUBLIC gRPC::grpc++ protobuf::libprotobuf)
if(HELIX_SANITIZE)
  target_compile_options(helix_proto PRIVATE -fsanitize=${HELIX_SANITIZE})
endif()
