#pragma once

#include "kernels/core/status.h"

#include <grpcpp/support/status.h>

namespace helix::server {

/// The one table of codes between us and gRPC.
constexpr grpc::StatusCode grpc_code(Code code) {
  switch (code) {
    case Code::ok:
      return grpc::StatusCode::OK;
    case Code::invalid_argument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::not_found:
      return grpc::StatusCode::NOT_FOUND;
    case Code::resource_exhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Code::deadline_exceeded:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case Code::cancelled:
      return grpc::StatusCode::CANCELLED;
    case Code::unavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case Code::internal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

/// gRPC's name of the code.
constexpr const char* grpc_code_name(Code code) {
  switch (code) {
    case Code::ok:
      return "OK";
    case Code::invalid_argument:
      return "INVALID_ARGUMENT";
    case Code::not_found:
      return "NOT_FOUND";
    case Code::resource_exhausted:
      return "RESOURCE_EXHAUSTED";
    case Code::deadline_exceeded:
      return "DEADLINE_EXCEEDED";
    case Code::cancelled:
      return "CANCELLED";
    case Code::unavailable:
      return "UNAVAILABLE";
    case Code::internal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

inline grpc::Status grpc_status(const Status& status) {
  return status.ok() ? grpc::Status() : grpc::Status(grpc_code(status.code()), status.message());
}

}  // namespace helix::server
