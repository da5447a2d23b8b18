#include "kernels/core/file.h"
#include "server/app.h"

namespace helix::server {

Status App::start_http() {
  if (options_.http.listen.empty()) return {};
  Result<std::unique_ptr<HttpServer>> http = HttpServer::start(options_.http.listen, pages());
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  if (options_.http.port_file.empty()) return {};
  return write_file(options_.http.port_file, std::to_string(http_port()) + "\n");
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
    const QueueStats stats = pipeline->stats();
    state.pipelines.push_back({.pipeline = pipeline->facts().name,
                               .waiting_requests = stats.requests,
                               .waiting_bytes = stats.bytes,
                               .waiting_hits = static_cast<std::int64_t>(stats.hits),
                               .oldest_age = stats.oldest,
                               .admitted_requests = pipeline->admission().requests(),
                               .admitted_bytes = pipeline->admission().bytes(),
                               .lanes_in_service = pipeline->lanes().in_service()});
  }
  return state;
}

}  // namespace helix::server
