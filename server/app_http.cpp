#include "kernels/core/file.h"
#include "server/app.h"
#include "server/observe/log.h"
#include "server/wait.h"

namespace helix::server {
namespace {

constexpr std::chrono::milliseconds kRetry{500};

}  // namespace

/// Where another process is to hand over its ports, this one waits beside its calls for that of HTTP.
Status App::start_http() {
  if (options_.http.listen.empty()) return {};
  const Status status = open_http();
  if (status.code() != Code::unavailable || !options_.server.share_port) return status;
  log::warn("http.waits", {{"reason", status.message()}});
  http_opener_ = std::jthread([this](const std::stop_token& stop) {
    while (!stop.stop_requested() && !open_http().ok() && http_port() == 0) wait(kRetry, stop);
  });
  return {};
}

Status App::open_http() {
  const HttpOptions options = this->options().http;
  Result<std::unique_ptr<HttpServer>> http = HttpServer::start(options.listen, pages());
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  http_port_ = http_->port();
  if (options.port_file.empty()) return {};
  return write_file(options.port_file, std::to_string(http_port()) + "\n");
}

HttpPages App::pages() const {
  HttpPages pages;
  pages["/metrics"] = {[this] {
    return HttpAnswer{.type = "text/plain; version=0.0.4; charset=utf-8", .body = observation_.metrics_text(state())};
  }};
  pages["/healthz"] = {[] { return HttpAnswer{.body = "alive\n"}; }};
  pages["/readyz"] = {[this] {
    return state().ready ? HttpAnswer{.body = "ready\n"} : HttpAnswer{.code = 503, .body = "not ready\n"};
  }};
  pages["/debug/trace"] = {[this] { return HttpAnswer{.type = "application/json", .body = observation_.trace_json()}; },
                           true};
  return pages;
}

ServiceState App::state() const {
  ServiceState state{open_ && health_.of("") == "SERVING", {}};
  const Pipelines::Lease table = pipelines_.current();
  if (!table) return state;
  for (const auto& pipeline : table->all()) {
    const QueueDepth depth = pipeline->queue().depth();
    state.pipelines.push_back({.pipeline = pipeline->facts().name,
                               .waiting_requests = depth.requests,
                               .waiting_bytes = depth.bytes,
                               .waiting_hits = depth.hits,
                               .oldest_age = depth.oldest_age,
                               .admitted_requests = pipeline->admission().requests(),
                               .admitted_bytes = pipeline->admission().bytes(),
                               .lanes_in_service = pipeline->lanes().in_service()});
  }
  return state;
}

}  // namespace helix::server
