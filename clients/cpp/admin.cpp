#include "clients/cpp/admin.h"

#include "clients/cpp/channel.h"
#include "helix/v1/admin.grpc.pb.h"

#include <optional>

namespace helix {
namespace {

PipelineState decode(const v1::PipelineStatus& from) {
  PipelineState to;
  to.name = from.name();
  to.health = from.health();
  to.backend = from.backend();
  to.devices.assign(from.devices().begin(), from.devices().end());
  to.lanes_in_service = from.lanes_in_service();
  to.waiting = from.waiting();
  to.requests = from.requests();
  to.max_requests = from.max_requests();
  to.bytes = from.bytes();
  to.max_bytes = from.max_bytes();
  to.geometry = from.geometry();
  to.geometry_digest = from.geometry_digest();
  to.settings_digest = from.settings_digest();
  return to;
}

ServerState decode(const v1::StatusResponse& from) {
  ServerState to;
  to.version = from.version();
  to.log_level = from.log_level();
  to.pid = from.pid();
  to.calls = from.calls();
  to.reloads = from.reloads();
  to.uptime = std::chrono::milliseconds(from.uptime_ms());
  to.draining = from.draining();
  for (const v1::PipelineStatus& pipeline : from.pipelines()) to.pipelines.push_back(decode(pipeline));
  return to;
}

}  // namespace

struct Admin::Impl {
  ClientOptions options;
  std::unique_ptr<v1::Admin::Stub> stub;

  template <class Request, class Response>
  Status call(grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, Response& response,
              std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout.value_or(options.ask_timeout));
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    return status.ok() ? Status() : status_of(options.address, status);
  }
};

Admin::Admin(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Admin::~Admin() = default;

Result<std::unique_ptr<Admin>> Admin::connect(const ClientOptions& options) {
  auto channel = open_channel(options);
  if (!channel.ok()) return channel.status();
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->stub = v1::Admin::NewStub(*channel);
  return std::unique_ptr<Admin>(new Admin(std::move(impl)));
}

Result<ServerState> Admin::state() {
  v1::StatusResponse answer;
  if (Status status = impl_->call(&v1::Admin::Stub::Status, v1::StatusRequest(), answer); !status.ok()) return status;
  return decode(answer);
}

Status Admin::drain() {
  v1::DrainResponse answer;
  return impl_->call(&v1::Admin::Stub::Drain, v1::DrainRequest(), answer);
}

Result<std::vector<std::string>> Admin::reload() {
  v1::ReloadResponse answer;
  if (Status status = impl_->call(&v1::Admin::Stub::Reload, v1::ReloadRequest(), answer, impl_->options.timeout);
      !status.ok())
    return status;
  return std::vector<std::string>(answer.not_changed().begin(), answer.not_changed().end());
}

Result<std::string> Admin::trace() {
  v1::TraceResponse answer;
  if (Status status = impl_->call(&v1::Admin::Stub::Trace, v1::TraceRequest(), answer); !status.ok()) return status;
  return std::move(*answer.mutable_json());
}

Status Admin::set_log_level(const std::string& level) {
  v1::SetLogLevelRequest request;
  request.set_level(level);
  v1::SetLogLevelResponse answer;
  return impl_->call(&v1::Admin::Stub::SetLogLevel, request, answer);
}

}  // namespace helix
