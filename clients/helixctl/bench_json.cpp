#include "clients/cpp/json_writer.h"
#include "clients/helixctl/bench_report.h"

#include <algorithm>

namespace helix::helixctl {
namespace {

using bench::Latencies;
using bench::milliseconds;

void write(JsonWriter& json, const char* key, const Latencies& times) {
  json.key(key).open('{').key("count").value(times.count()).key("mean").value(milliseconds(times.mean()));
  json.key("p50").value(milliseconds(times.quantile(0.5))).key("p90").value(milliseconds(times.quantile(0.9)));
  json.key("p99").value(milliseconds(times.quantile(0.99))).key("p999").value(milliseconds(times.quantile(0.999)));
  json.key("max").value(milliseconds(times.max())).close('}');
}

void write_load(JsonWriter& json, const BenchReport& r) {
  const bench::LoadOptions& load = r.load;
  json.key("target").value(r.target).key("pipeline").value(r.pipeline.provenance.pipeline);
  json.key("version").value(r.pipeline.provenance.version);
  json.key("load").open('{');
  json.key("loop").value(load.rate > 0 ? "open" : "closed").key("clients").value(load.clients);
  json.key("connections").value(load.connections).key("rate").value(load.rate);
  json.key("seed").value(load.seed).key("warm_up_s").value(milliseconds(load.warm_up) / 1000);
  json.key("duration_s").value(r.result.seconds).key("deadline_s").value(milliseconds(load.deadline) / 1000);
  json.key("events_per_request").value(r.events_per_request).key("hits_per_request").value(r.mean_hits).close('}');
}

void write_requests(JsonWriter& json, const bench::LoadResult& result) {
  json.key("requests").open('{').key("sent").value(result.sent).key("not_sent").value(result.not_sent);
  json.key("sent_in_all").value(result.sent_in_all).key("differ_in_all").value(result.differ_in_all);
  json.key("most_under_way").value(result.most_under_way).key("codes").open('{');
  for (const auto& [code, of_code] : result.codes) {
    json.key(name_of(code)).open('{').key("count").value(of_code.count).key("first_error").value(of_code.first_error);
    write(json, "latency_ms", of_code.latency);
    json.close('}');
  }
  json.close('}').close('}');
  const double s = result.seconds;
  json.key("throughput").open('{').key("requests_per_s").value(static_cast<double>(result.ok) / s);
  json.key("events_per_s").value(static_cast<double>(result.events) / s);
  json.key("hits_per_s").value(static_cast<double>(result.hits) / s).close('}');
  write(json, "latency_ms", result.latency());
  write(json, "sent_late_ms", result.lag);
}

void write_server(JsonWriter& json, const bench::ServerTimes& server) {
  json.key("server_ms").open('{');
  write(json, "queue", server.queue);
  write(json, "batch", server.batch);
  write(json, "copy_in", server.copy_in);
  write(json, "compute", server.compute);
  write(json, "copy_out", server.copy_out);
  const auto n = static_cast<double>(std::max<std::int64_t>(server.queue.count(), 1));
  json.close('}').key("batch_events").value(static_cast<double>(server.batch_events) / n);
}

void write_service(JsonWriter& json, const BenchReport& report) {
  const auto cost = report.result.service.cost();
  json.key("service").open('{');
  json.key("fixed_ms").value(cost ? std::optional(cost->fixed_ms) : std::nullopt);
  json.key("per_kilohit_ms").value(cost ? std::optional(cost->per_kilohit_ms) : std::nullopt);
  json.key("batches").value(report.result.service.batches()).close('}');
  json.key("lanes").value(static_cast<std::uint64_t>(report.pipeline.devices.size()));
  json.key("devices").value(report.pipeline.devices);
}

void write_use(JsonWriter& json, const BenchUse& use) {
  json.key("cpu").open('{').key("client_s").value(use.client_cpu_seconds);
  json.key("server_s").value(use.server_cpu_seconds);
  json.key("server_rss_mib").value(use.server_at_end ? std::optional(use.server_at_end->rss_mib) : std::nullopt);
  json.key("server_most_rss_mib");
  json.value(use.server_at_end ? std::optional(use.server_at_end->most_rss_mib) : std::nullopt).close('}');
}

void write_time_line(JsonWriter& json, const std::vector<bench::Second>& seconds) {
  json.key("time_line").open('[');
  for (const bench::Second& second : seconds) {
    json.open('{').key("sent").value(second.sent).key("ok").value(second.ok).key("failed").value(second.failed);
    json.key("p50_ms").value(milliseconds(second.p50)).key("p99_ms").value(milliseconds(second.p99));
    json.key("max_ms").value(milliseconds(second.max)).close('}');
  }
  json.close(']');
}

void write(JsonWriter& json, const bench::LoadPoint& point) {
  json.open('{').key("clients").value(point.clients).key("asked_per_s").value(point.asked);
  json.key("requests_per_s").value(point.rate).key("p50_ms").value(point.p50).key("p99_ms").value(point.p99);
  json.key("failed").value(point.failed).close('}');
}

}  // namespace

std::string json(const BenchReport& report) {
  JsonWriter json;
  json.open('{');
  write_load(json, report);
  write_requests(json, report.result);
  write_server(json, report.result.server);
  write_service(json, report);
  write_use(json, report.use);
  write_time_line(json, report.result.time_line);
  json.close('}');
  return json.text();
}

std::string json(const bench::Saturation& found) {
  JsonWriter json;
  json.open('{').key("closed").open('[');
  for (const bench::LoadPoint& point : found.closed) write(json, point);
  json.close(']').key("requests_per_s").value(found.rate).key("slow_clients").value(found.slow_clients);
  json.key("half");
  write(json, found.half);
  json.key("half_p50_over_idle").value(found.half_p50_over_idle).close('}');
  return json.text();
}

}  // namespace helix::helixctl
