#include "server/transport/admin_service.h"

#include "kernels/core/settings.h"
#include "server/observe/log.h"
#include "server/transport/finish.h"
#include "server/transport/grpc_status.h"

namespace helix::server {

bool is_local(const std::string& peer) {
  for (const char* start : {"unix:", "unix-abstract:", "ipv4:127.", "ipv6:[::1]:", "ipv6:%5B::1%5D:"})
    if (peer.starts_with(start)) return true;
  return false;
}

grpc::Status AdminService::check(const grpc::CallbackServerContext& context, const char* call) const {
  const std::string peer = context.peer();
  const bool allowed = access_ == AdminAccess::all || (access_ == AdminAccess::local && is_local(peer));
  log::write_limited(allowed ? log::Level::info : log::Level::warn, allowed ? "admin.call" : "admin.denied",
                     {{"client", peer}, {"call", call}});
  if (allowed) return grpc::Status();
  return {grpc::StatusCode::PERMISSION_DENIED, access_ == AdminAccess::none
                                                   ? "the admin service is switched off (admin.access)"
                                                   : "the admin service is for clients on the same machine "
                                                     "(admin.access)"};
}

grpc::ServerUnaryReactor* AdminService::Status(grpc::CallbackServerContext* context, const v1::StatusRequest*,
                                               v1::StatusResponse* response) {
  const grpc::Status status = check(*context, "Status");
  if (status.ok()) actions_.describe(*response);
  return finish(*context, status);
}

grpc::ServerUnaryReactor* AdminService::Drain(grpc::CallbackServerContext* context, const v1::DrainRequest*,
                                              v1::DrainResponse*) {
  const grpc::Status status = check(*context, "Drain");
  if (status.ok()) actions_.drain();
  return finish(*context, status);
}

grpc::ServerUnaryReactor* AdminService::Reload(grpc::CallbackServerContext* context, const v1::ReloadRequest*,
                                               v1::ReloadResponse* response) {
  const grpc::Status status = check(*context, "Reload");
  if (!status.ok()) return finish(*context, status);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  actions_.reload([reactor, response](const Reloader::Outcome& outcome) {
    if (outcome.ok()) response->mutable_not_changed()->Add(outcome->begin(), outcome->end());
    reactor->Finish(grpc_status(outcome.status()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::Trace(grpc::CallbackServerContext* context, const v1::TraceRequest*,
                                              v1::TraceResponse* response) {
  const grpc::Status status = check(*context, "Trace");
  if (status.ok()) response->set_json(actions_.trace());
  return finish(*context, status);
}

grpc::ServerUnaryReactor* AdminService::SetLogLevel(grpc::CallbackServerContext* context,
                                                    const v1::SetLogLevelRequest* request, v1::SetLogLevelResponse*) {
  if (const grpc::Status status = check(*context, "SetLogLevel"); !status.ok()) return finish(*context, status);
  const char* const* names = log::setting_names(log::Level{});
  for (int i = 0; names[i] != nullptr; ++i)
    if (request->level() == names[i]) {
      log::set_level(static_cast<log::Level>(i));
      return finish(*context, grpc::Status());
    }
  return finish(*context, {grpc::StatusCode::INVALID_ARGUMENT, "level must be one of debug, info, warn, error"});
}

}  // namespace helix::server
