#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

namespace helix::server {

/// Ends a call with one message, or an error, here and now.
inline grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext& context, const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

}  // namespace helix::server
