#pragma once

#include "helix/v1/admin.grpc.pb.h"
#include "server/config/options.h"
#include "server/reloader.h"

#include <functional>
#include <string>

namespace helix::server {

/// What the admin service can ask for. Each may be called from any thread.
struct AdminActions {
  std::function<void(v1::StatusResponse&)> describe;
  std::function<void()> drain;
  std::function<void(Reloader::Done)> reload;
  std::function<std::string()> trace;
};

/// Whether a client, by gRPC's name for its address, comes over a unix socket or from this machine's loopback.
bool is_local(const std::string& peer);

/// helix.v1.Admin.
class AdminService final : public v1::Admin::CallbackService {
 public:
  AdminService(AdminAccess access, AdminActions actions) : access_(access), actions_(std::move(actions)) {}

  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext* context, const v1::StatusRequest* request,
                                   v1::StatusResponse* response) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context, const v1::DrainRequest* request,
                                  v1::DrainResponse* response) override;
  grpc::ServerUnaryReactor* Reload(grpc::CallbackServerContext* context, const v1::ReloadRequest* request,
                                   v1::ReloadResponse* response) override;
  grpc::ServerUnaryReactor* Trace(grpc::CallbackServerContext* context, const v1::TraceRequest* request,
                                  v1::TraceResponse* response) override;
  grpc::ServerUnaryReactor* SetLogLevel(grpc::CallbackServerContext* context, const v1::SetLogLevelRequest* request,
                                        v1::SetLogLevelResponse* response) override;

 private:
  /// Ok, or PERMISSION_DENIED; logged either way.
  grpc::Status check(const grpc::CallbackServerContext& context, const char* call) const;

  const AdminAccess access_;
  const AdminActions actions_;
};

}  // namespace helix::server
