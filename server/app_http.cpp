#include "kernels/core/file.h"
#include "server/app.h"
#include "server/observe/log.h"
#include "server/wait.h"

namespace helix::server {

namespace {

constexpr std::chrono::milliseconds kTryHttpAgain{500};

}  // namespace

int App::http_port() const {
  const std::scoped_lock lock(mutex_);
  return http_ ? http_->port() : 0;
}

// The helixd that this one takes over from has the address until it has drained, as its /readyz must say so: metrics
// begin when the other is gone. Whatever else is wrong with the address would stay so, and stops the start.
Status App::start_http() {
  if (options_.http.listen.empty()) return {};
  const Status status = open_http();
  if (status.code() != Code::unavailable || !options_.server.share_port) return status;
  log::warn("http.waits", {{"error", status.message()}});
  http_waiter_ = std::jthread([this](const std::stop_token& stop) { wait_for_http(stop); });
  return {};
}

void App::wait_for_http(const std::stop_token& stop) {
  for (;;) {
    wait(kTryHttpAgain, stop);
    if (stop.stop_requested()) return;
    const Status status = open_http();
    if (status.code() == Code::unavailable) continue;
    if (status.ok()) return log::info("http.ready", {{"http_port", http_port()}});
    return log::error("http.failed", {{"error", status.message()}});
  }
}

Status App::open_http() {
  const HttpOptions http = options().http;
  Result<std::unique_ptr<HttpServer>> opened = HttpServer::start(http.listen, pages());
  if (!opened.ok()) return opened.status();
  const int port = (*opened)->port();
  {
    const std::scoped_lock lock(mutex_);
    http_ = *std::move(opened);
  }
  return http.port_file.empty() ? Status() : write_file(http.port_file, std::to_string(port) + "\n");
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
  ServiceState state{open_ && health_.of("") == "SERVING", {}, pipelines_.totals()};
  const Pipelines::Lease table = pipelines_.current();
  if (!table) return state;
  for (const auto& pipeline : table->all()) {
    state.pipelines.push_back({.pipeline = pipeline->facts().name,
                               .queue = pipeline->stats(),
                               .admitted_requests = pipeline->admission().requests(),
                               .admitted_bytes = pipeline->admission().bytes(),
                               .lanes_in_service = pipeline->lanes().in_service()});
  }
  return state;
}

}  // namespace helix::server
