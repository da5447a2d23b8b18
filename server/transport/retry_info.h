#pragma once

#include "kernels/core/status.h"

#include <grpcpp/support/status.h>

#include <chrono>
#include <string>

namespace helix::server {

/// A google.rpc.Status of this code and message with a google.rpc.RetryInfo in its details, as bytes. Written by hand,
/// a few fields of googleapis' status.proto and error_details.proto: a copy of those files here would clash with the
/// one that a program may have already.
std::string retry_details(const Status& status, std::chrono::milliseconds retry_after);

/// The status for gRPC with those bytes, which travel as grpc-status-details-bin.
grpc::Status with_retry_info(const Status& status, std::chrono::milliseconds retry_after);

}  // namespace helix::server
